/** Owns who wants to hear of changes: compares what a watcher reads, whoever wrote, this process or another. */
import type { Queries } from './queries.ts';

export interface Watches {
  /**
   * Calls `onUpdate` when `read` gives another text than the last time.
   * @returns how to stop
   */
  watch(read: () => string, onUpdate: () => void): () => void;
  close(): void;
}

interface Watcher {
  readonly read: () => string;
  readonly onUpdate: () => void;
  last: string;
}

/** A change is told within this time, and several in it once. */
const LOOK_EVERY_MS = 50;

export function createWatches(store: Pick<Queries<unknown>, 'stamp'>, onFault: (cause: unknown) => void): Watches {
  const watchers = new Set<Watcher>();
  let timer: NodeJS.Timeout | undefined;
  let stamp = '';

  function look(): void {
    try {
      const now = store.stamp();
      if (now === stamp) return;
      stamp = now;
      for (const watcher of [...watchers]) {
        const read = watcher.read();
        if (read === watcher.last) continue;
        watcher.last = read;
        watcher.onUpdate();
      }
    } catch (cause) {
      onFault(cause);
    }
  }

  function stopWhenAlone(): void {
    if (watchers.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  }

  return {
    watch(read, onUpdate) {
      const watcher = { read, onUpdate, last: read() };
      watchers.add(watcher);
      timer ??= setInterval(look, LOOK_EVERY_MS).unref();
      return () => {
        watchers.delete(watcher);
        stopWhenAlone();
      };
    },
    close() {
      watchers.clear();
      stopWhenAlone();
    },
  };
}
