/**
 * Owns the telling of changes: every event once, in order, to every listener, whichever process wrote it. Reads the log
 * only; a listener that throws does not keep the others from hearing.
 */
import { type GovernanceEvent, subjectOf } from './events.ts';
import type { GovernanceStore } from './store/open.ts';

export interface Change {
  readonly subject: ReturnType<typeof subjectOf>;
  readonly event: GovernanceEvent;
  /** Village time, milliseconds since the epoch. */
  readonly at: number;
  readonly position: number;
}

export type Listener = (change: Change) => void;

export interface Changes {
  /** @returns how to stop listening */
  onChange(listener: Listener): () => void;
  /** Tells what was written since the last time. */
  deliver(): void;
  /** Looks for writes of other processes every `intervalMs`; does not keep the process alive. @returns how to stop */
  watch(intervalMs: number): () => void;
}

const PAGE = 500;

/** Events from before this call are not told. @param onFault hears what a listener throws, or a log that cannot be read */
export function createChanges(store: GovernanceStore, onFault: (error: unknown) => void): Changes {
  const listeners = new Set<Listener>();
  let told = store.log.lastPosition();
  let isTelling = false;

  function tell(change: Change): void {
    for (const listener of [...listeners]) {
      try {
        listener(change);
      } catch (error) {
        onFault(error);
      }
    }
  }

  function deliver(): void {
    // A listener may write and so come back here: the outer loop finds what it wrote, and order is kept.
    if (isTelling) return;
    isTelling = true;
    try {
      for (;;) {
        const events = store.log.after(told, PAGE);
        if (events.length === 0) return;
        for (const { stream, event, at, position } of events) {
          told = position;
          tell({ subject: subjectOf(stream), event, at, position });
        }
      }
    } finally {
      isTelling = false;
    }
  }

  return {
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    deliver,
    watch(intervalMs) {
      let seen = store.dataVersion();
      const look = (): void => {
        try {
          const version = store.dataVersion();
          if (version === seen) return;
          deliver();
          seen = version;
        } catch (error) {
          onFault(error);
        }
      };
      const timer = setInterval(look, intervalMs);
      timer.unref();
      return () => clearInterval(timer);
    },
  };
}
