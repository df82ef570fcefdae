/** Waits for what another process does, by looking again and again until it is so. */
import { setTimeout as wait } from 'node:timers/promises';

/**
 * @returns what `look` gave, once it is neither undefined nor false
 * @throws when it is not so within `ms`
 */
export async function until<T>(
  what: string,
  look: () => T | undefined | false | Promise<T | undefined | false>,
  ms = 10_000,
): Promise<T> {
  const end = performance.now() + ms;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    if (performance.now() > end) throw new Error(`not within ${ms} ms: ${what}`);
    await wait(10);
  }
}
