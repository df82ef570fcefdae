/**
 * What a relay takes from one neighbour and from all together: circuits, new ones a second, and how long an offender is shut
 * out. It counts; the relay asks it first. Nobody is punished for what somebody behind him may have done.
 */
import type { Offence } from './network.ts';

export interface LimitSettings {
  readonly circuits: number;
  readonly circuitsPerPeer: number;
  /** New circuits of one neighbour: so many at once, and so many more each second. */
  readonly burstPerPeer: number;
  readonly perSecondPerPeer: number;
}

const POINTS: Record<Offence, number> = { malformed: 50, flood: 10, slow: 10, 'half-open': 10 };
const SHUT_OUT_POINTS = 100;
/** Points lost each second. */
const FORGIVENESS = 1;
/** Neighbours that are remembered; the longest unseen is forgotten first. */
const MAX_PEERS = 4_096;

interface Standing {
  circuits: number;
  tokens: number;
  points: number;
  at: number;
}

export type Admission = 'admitted' | 'full' | 'too many' | 'too fast' | 'shut out';

export class CircuitLimits {
  readonly #settings: LimitSettings;
  readonly #peers = new Map<string, Standing>();
  #circuits = 0;

  constructor(settings: LimitSettings) {
    this.#settings = settings;
  }

  get circuits(): number {
    return this.#circuits;
  }

  /** Takes a place when it answers `admitted`; `release` gives it back. */
  admit(peer: string, now: number): Admission {
    const standing = this.#standing(peer, now);
    if (standing.points >= SHUT_OUT_POINTS) return 'shut out';
    if (standing.tokens < 1) return 'too fast';
    standing.tokens -= 1;
    if (standing.circuits >= this.#settings.circuitsPerPeer) return 'too many';
    if (this.#circuits >= this.#settings.circuits) return 'full';
    standing.circuits += 1;
    this.#circuits += 1;
    return 'admitted';
  }

  release(peer: string): void {
    const standing = this.#peers.get(peer);
    if (standing === undefined) return;
    standing.circuits -= 1;
    this.#circuits -= 1;
  }

  /** @returns whether the peer is shut out from now on */
  offended(peer: string, offence: Offence, now: number): boolean {
    const standing = this.#standing(peer, now);
    standing.points += POINTS[offence];
    return standing.points >= SHUT_OUT_POINTS;
  }

  #standing(peer: string, now: number): Standing {
    const { burstPerPeer, perSecondPerPeer } = this.#settings;
    const standing = this.#peers.get(peer) ?? { circuits: 0, tokens: burstPerPeer, points: 0, at: now };
    const seconds = (now - standing.at) / 1_000;
    standing.tokens = Math.min(burstPerPeer, standing.tokens + seconds * perSecondPerPeer);
    standing.points = Math.max(0, standing.points - seconds * FORGIVENESS);
    standing.at = now;
    this.#peers.delete(peer);
    this.#peers.set(peer, standing);
    if (this.#peers.size > MAX_PEERS) this.#forgetOne();
    return standing;
  }

  #forgetOne(): void {
    for (const [peer, { circuits }] of this.#peers) {
      if (circuits === 0) {
        this.#peers.delete(peer);
        return;
      }
    }
  }
}
