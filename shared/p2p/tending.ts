/**
 * Owns whom to dial and when: peers that were discovered, peers that were lost, the bootstrap addresses. Waits longer after each
 * failure, a little only for those met lately, so that one who returns is met again within seconds.
 */
import type { Log } from '../log.ts';

const TICK_MS = 250;
const FIRST_WAIT_MS = 250;
const WAIT_FOR_RECENT_MS = 2_000;
const WAIT_FOR_OTHERS_MS = 30_000;
const RECENT_MS = 30 * 60_000;
const FORGOTTEN_AFTER_MS = 24 * 3_600_000;
const MAX_WANTED = 2_000;
/** A handshake costs some milliseconds of CPU on both sides; many at once only make each other too late. */
const MAX_DIALS = 6;

export interface TendingParts {
  now(): number;
  /** @param target a peer id, or a bootstrap multiaddr */
  dial(target: string, signal: AbortSignal): Promise<void>;
  isConnected(target: string): boolean;
  isRefused(target: string): boolean;
  /** False when there are connections enough: then only bootstrap addresses are dialled. */
  hasRoom(): boolean;
  readonly log: Log;
}

export interface Tending {
  /** From now on it dials. */
  begin(): void;
  /** Dial this peer now, and again until it is there. */
  want(peerId: string): void;
  /** It was there and is gone. */
  lost(peerId: string): void;
  close(): void;
}

interface Wanted {
  readonly isBootstrap: boolean;
  failures: number;
  dueAt: number;
  lastMetAt: number;
  isDialling: boolean;
}

export function createTending(bootstrap: readonly string[], parts: TendingParts): Tending {
  const { now } = parts;
  const wanted = new Map<string, Wanted>();
  const ending = new AbortController();
  let dials = 0;

  const add = (target: string, isBootstrap: boolean, lastMetAt: number): void => {
    const found = wanted.get(target);
    if (found !== undefined) {
      found.lastMetAt = Math.max(found.lastMetAt, lastMetAt);
      return;
    }
    if (wanted.size >= MAX_WANTED) forgetOne();
    wanted.set(target, { isBootstrap, failures: 0, dueAt: now(), lastMetAt, isDialling: false });
  };
  const forgetOne = () => {
    for (const [target, { isBootstrap }] of wanted) {
      if (isBootstrap) continue;
      wanted.delete(target);
      return;
    }
  };
  const dial = async (target: string, entry: Wanted): Promise<void> => {
    dials += 1;
    entry.isDialling = true;
    try {
      await parts.dial(target, ending.signal);
      entry.failures = 0;
      entry.lastMetAt = now();
      // Bootstrap addresses stay: who is behind one may change.
      if (!entry.isBootstrap) wanted.delete(target);
    } catch (cause) {
      entry.failures += 1;
      parts.log.debug({ target, cause: String(cause) }, 'a peer could not be dialled');
    } finally {
      const isRecent = entry.isBootstrap || now() - entry.lastMetAt < RECENT_MS;
      const longest = isRecent ? WAIT_FOR_RECENT_MS : WAIT_FOR_OTHERS_MS;
      entry.dueAt = now() + Math.min(longest, FIRST_WAIT_MS * 2 ** Math.min(entry.failures, 10));
      entry.isDialling = false;
      dials -= 1;
    }
  };
  const look = (): void => {
    const time = now();
    for (const [target, entry] of wanted) {
      if (dials >= MAX_DIALS) return;
      if (entry.isDialling || entry.dueAt > time) continue;
      if (!entry.isBootstrap && (parts.isConnected(target) || time - entry.lastMetAt > FORGOTTEN_AFTER_MS)) {
        wanted.delete(target);
        continue;
      }
      if (parts.isConnected(target) || parts.isRefused(target)) continue;
      if (entry.isBootstrap || parts.hasRoom()) void dial(target, entry);
    }
  };

  for (const address of bootstrap) add(address, true, now());
  let timer: NodeJS.Timeout | undefined;
  return {
    begin() {
      timer = setInterval(look, TICK_MS);
      look();
    },
    want(peerId) {
      add(peerId, false, now());
      if (timer !== undefined) look();
    },
    lost: (peerId) => add(peerId, false, now()),
    close() {
      clearInterval(timer);
      ending.abort();
    },
  };
}
