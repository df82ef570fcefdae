/** The wait for servers that have listed nothing yet, because this process has only begun: what they have is not unknown. */
import type { View } from './catalog.ts';

/**
 * Servers that never were there yet get a moment to come; those that are slow come later, with list_changed (R6).
 * @returns undefined when there is nobody to wait for
 */
export function firstStarts(view: View, maxMs: number): Promise<void> | undefined {
  const missing = view.servers.filter(
    (server) => server.initialized === undefined && (server.state === 'idle' || server.state === 'starting'),
  );
  if (missing.length === 0) return undefined;
  const starts = missing.map((server) => server.start().catch(() => undefined));
  return Promise.race([Promise.all(starts).then(() => undefined), wait(maxMs)]);
}

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms).unref());
}
