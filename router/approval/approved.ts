/** What a call carries that runs because its proposal was approved (G4, G5). Made by approved_call; holds no logic. */

export interface Approved {
  readonly proposalId: string;
  /** Grows with every execution; the governance server recorded it before it asked for the call. */
  readonly fence: number;
  /** The server that has the call made. */
  readonly executor: string;
  /** What was approved: the call must be the same now. */
  readonly definitionDigest: string;
  readonly rowDigest: string;
}
