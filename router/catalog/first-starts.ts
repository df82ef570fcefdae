/**
 * Servers that were never there yet get a moment to come before something is said to be missing; those that are slow come
 * later, with list_changed (R6).
 */
import type { View } from './catalog.ts';

/** Whether a server of this view may still be about to list something of this name. */
export function awaitsFirstStart(view: View, name: string): boolean {
  return view.servers.some(
    (server) => isComing(server) && (view.servers.length === 1 || name === '' || name.startsWith(server.prefix)),
  );
}

/** Starts what never ran and resolves when all of it came or failed, at the latest after `maxMs`. */
export async function firstStarts(view: View, maxMs: number): Promise<void> {
  const starts = view.servers.filter(isComing).map((server) => server.start().catch(() => undefined));
  if (starts.length === 0) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, maxMs);
  await Promise.race([Promise.all(starts), promise]);
  clearTimeout(timer);
}

function isComing(server: View['servers'][number]): boolean {
  return !server.hasListed && (server.state === 'idle' || server.state === 'starting');
}
