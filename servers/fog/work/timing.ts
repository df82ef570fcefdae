/** How long server and nodes wait for each other. */

export interface Timing {
  readonly beatEveryMs: number;
  /** A node that was silent for so long loses its work. */
  readonly leaseMs: number;
  /** A node whose link ended without a farewell has so long to come back. */
  readonly returnWithinMs: number;
  /** A node that heard nothing for so long ends its work by itself. */
  readonly orphanAfterMs: number;
  readonly tickMs: number;
}

export const TIMING: Timing = {
  beatEveryMs: 500,
  leaseMs: 3_000,
  returnWithinMs: 1_500,
  orphanAfterMs: 30_000,
  tickMs: 250,
};
