/** Waits for work to come to a state, as this process or another writes it. */
import type { Watches } from '../../../shared/watches.ts';
import type { Work } from './work.ts';
import type { WorkRow } from './work-reads.ts';

/** @returns the row when `isThere` says so, when the time is over, or when the caller went */
export async function waitFor(
  { work, watches }: { readonly work: Work; readonly watches: Watches },
  workId: string,
  isThere: (row: WorkRow) => boolean,
  withinMs: number,
  signal: AbortSignal,
  onChange: (row: WorkRow) => void = () => undefined,
): Promise<WorkRow | undefined> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const look = (): void => {
    const row = work.get(workId);
    if (row !== undefined) onChange(row);
    if (row === undefined || isThere(row)) resolve();
  };
  const timer = setTimeout(resolve, withinMs);
  const stop = watches.watch(() => stampOf(work.get(workId)), look);
  const onAbort = (): void => resolve();
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    look();
    await promise;
    return work.get(workId);
  } finally {
    clearTimeout(timer);
    stop();
    signal.removeEventListener('abort', onAbort);
  }
}

/** Another text when the row changed. */
export function stampOf(row: WorkRow | undefined): string {
  if (row === undefined) return '';
  return `${row.status}:${row.fence}:${row.progress}:${row.is_cancelling}:${row.detail}:${row.cpu_ms}`;
}
