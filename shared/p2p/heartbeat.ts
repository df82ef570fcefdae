/**
 * Owns whether connected peers are still there: asks each in turn, measures the way, gives up a peer that was silent several times.
 * libp2p's own monitor ends connections that are well: two pings at once are one too many for it.
 */

const BEAT_EVERY_MS = 6_000;
const ANSWER_WITHIN_MS = 5_000;
/** Silences in a row: a busy machine is no dead one. */
const MAX_SILENCES = 3;

export interface HeartbeatParts {
  /** Ids of those connected. */
  connected(): readonly string[];
  ping(peerId: string, signal: AbortSignal): Promise<number>;
  measured(peerId: string, latencyMs: number): void;
  giveUp(peerId: string): void;
}

/** @returns what ends it */
export function startHeartbeat({ connected, ping, measured, giveUp }: HeartbeatParts): () => void {
  const silences = new Map<string, number>();
  const asking = new Set<string>();
  const ask = async (peerId: string): Promise<void> => {
    asking.add(peerId);
    try {
      measured(peerId, await ping(peerId, AbortSignal.timeout(ANSWER_WITHIN_MS)));
      silences.delete(peerId);
    } catch {
      const count = (silences.get(peerId) ?? 0) + 1;
      silences.set(peerId, count);
      if (count < MAX_SILENCES) return;
      silences.delete(peerId);
      giveUp(peerId);
    } finally {
      asking.delete(peerId);
    }
  };
  const timer = setInterval(() => {
    const peers = connected();
    for (const peerId of silences.keys()) if (!peers.includes(peerId)) silences.delete(peerId);
    for (const peerId of peers) if (!asking.has(peerId)) void ask(peerId);
  }, BEAT_EVERY_MS);
  return () => clearInterval(timer);
}
