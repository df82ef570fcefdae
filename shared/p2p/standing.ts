/**
 * Owns how each peer has behaved: breaches count, time mends, and too many of them refuse the peer for a while, longer each
 * time. Closes no connection itself.
 */
import type { Severity } from './node.ts';

const COST: Readonly<Record<Severity, number>> = { slip: 2, breach: 20, attack: 100 };
/** At or below this a peer is refused. */
const REFUSED_AT = -90;
/** It falls no further. */
const WORST = -100;
const MEND_PER_SECOND = 0.2;
const FIRST_REFUSAL_MS = 60_000;
const LONGEST_REFUSAL_MS = 3_600_000;
const MAX_PEERS = 10_000;

interface Mark {
  points: number;
  at: number;
  refusals: number;
  refusedUntil: number;
}

export interface Standing {
  /** @returns true when this breach was the one too many */
  report(peerId: string, severity: Severity, now: number): boolean;
  /** 0 at best, falling to -100. */
  of(peerId: string, now: number): number;
  /** Refuses a peer for this long, whatever it did. */
  refuse(peerId: string, forMs: number, now: number): void;
  /** Ends a refusal. */
  pardon(peerId: string): void;
  isRefused(peerId: string, now: number): boolean;
}

export function createStanding(): Standing {
  const marks = new Map<string, Mark>();
  const markOf = (peerId: string, now: number): Mark => {
    const found = marks.get(peerId);
    if (found !== undefined) {
      found.points = Math.min(0, found.points + ((now - found.at) / 1_000) * MEND_PER_SECOND);
      found.at = now;
      return found;
    }
    if (marks.size >= MAX_PEERS) forgetOne();
    const made = { points: 0, at: now, refusals: 0, refusedUntil: 0 };
    marks.set(peerId, made);
    return made;
  };
  const forgetOne = () => {
    const oldest = marks.keys().next();
    if (oldest.done !== true) marks.delete(oldest.value);
  };

  return {
    report(peerId, severity, now) {
      const mark = markOf(peerId, now);
      mark.points = Math.max(WORST, mark.points - COST[severity]);
      if (mark.points > REFUSED_AT) return false;
      mark.refusedUntil = now + Math.min(LONGEST_REFUSAL_MS, FIRST_REFUSAL_MS * 2 ** mark.refusals);
      mark.refusals += 1;
      return true;
    },
    of: (peerId, now) => (marks.has(peerId) ? Math.round(markOf(peerId, now).points) : 0),
    refuse(peerId, forMs, now) {
      markOf(peerId, now).refusedUntil = now + forMs;
    },
    pardon(peerId) {
      const mark = marks.get(peerId);
      if (mark !== undefined) mark.refusedUntil = 0;
    },
    isRefused: (peerId, now) => (marks.get(peerId)?.refusedUntil ?? 0) > now,
  };
}
