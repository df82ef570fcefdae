/** Lets go of what nobody used for as long as the policy says (G7): in all twins, at start, every hour, and when the policy changes. */
import type { Log } from '../../shared/log.ts';
import { DAY_MS } from './learning/rhythm.ts';
import type { Twin } from './twin.ts';
import type { Twins } from './twins.ts';

/** @returns how many facts and events went. A twin whose clock was set back is left as it is. */
export function sweepTwin(twin: Twin, retentionDays: number): number {
  return twin.erase((now) => {
    const until = now - retentionDays * DAY_MS;
    return twin.facts.remove(twin.facts.unusedSince(until)) + twin.events.removeTopicsUnusedSince(until);
  });
}

const SWEEP_EVERY_MS = 3_600_000;

export interface Sweeper {
  /** One after the other; a twin that cannot be opened is passed over. */
  sweep(): Promise<void>;
  close(): Promise<void>;
}

export function startSweeper(twins: Twins, retentionDays: () => number, log: Log): Sweeper {
  let running: Promise<void> | undefined;
  const sweep = (): Promise<void> => {
    running ??= twins
      .each((twin) => void sweepTwin(twin, retentionDays()))
      .catch((cause: unknown) => log.error({ cause }, 'what is no longer kept could not be removed; it is tried again'))
      .finally(() => {
        running = undefined;
      });
    return running;
  };
  const timer = setInterval(() => void sweep(), SWEEP_EVERY_MS).unref();
  return {
    sweep,
    async close() {
      clearInterval(timer);
      await running;
    },
  };
}
