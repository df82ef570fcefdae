/**
 * Follows the policy `knowledge.retention_days` (G7) for servers that keep knowledge. While nobody has said what it is, nothing is
 * thrown away: the longest that the policy allows holds.
 */
import { z } from 'zod';
import type { Log } from '../log.ts';
import type { RouterClient } from './router-client.ts';

export interface RetentionPolicy {
  /** As it is now. */
  days(): number;
  close(): void;
}

/** Without a router there is nobody to ask: the policy's own default. */
export const DEFAULT_RETENTION_DAYS = 30;
export const LONGEST_RETENTION_DAYS = 3_650;

const POLICIES = 'governance://policies';
const NAME = 'knowledge.retention_days';
const FIRST_WAIT_MS = 200;
const LONGEST_WAIT_MS = 30_000;

const policiesSchema = z.looseObject({
  policies: z.array(z.looseObject({ policy: z.string(), value: z.unknown() })),
});
const daysSchema = z.int().min(1).max(LONGEST_RETENTION_DAYS);

/** @param onChange called with each value that is another than before */
export function followRetentionPolicy(
  client: Pick<RouterClient, 'read' | 'subscribe'>,
  log: Log,
  onChange: (days: number) => void = () => {},
): RetentionPolicy {
  let days: number | undefined;
  let waitMs = FIRST_WAIT_MS;
  let retry: NodeJS.Timeout | undefined;
  let unsubscribe: (() => void) | undefined;
  let isClosed = false;

  async function look(): Promise<void> {
    clearTimeout(retry);
    try {
      const { policies } = policiesSchema.parse(await client.read(POLICIES));
      const found = daysSchema.parse(policies.find(({ policy }) => policy === NAME)?.value);
      if (isClosed) return;
      waitMs = FIRST_WAIT_MS;
      if (found !== days) {
        days = found;
        log.info({ days }, 'the retention policy');
        onChange(days);
      }
      // Only where there is somebody who answers: a subscription is tried again for ever.
      unsubscribe ??= client.subscribe(POLICIES, () => void look());
    } catch (cause) {
      if (isClosed) return;
      log.debug({ cause }, 'the retention policy could not be read; it is tried again');
      retry = setTimeout(() => void look(), waitMs).unref();
      waitMs = Math.min(waitMs * 2, LONGEST_WAIT_MS);
    }
  }

  void look();
  return {
    days: () => days ?? LONGEST_RETENTION_DAYS,
    close() {
      isClosed = true;
      clearTimeout(retry);
      unsubscribe?.();
    },
  };
}
