/**
 * Owns how often a password may be tried: per name with growing pauses, per client and in all by a budget that refills, and
 * how many at the same time. Kept in memory only. Known and unknown names are treated alike.
 */
import { LRUCache } from 'lru-cache';
import { AppError } from '../errors.ts';

/** Tries at a name before pauses begin; they double from one second to a minute. */
const FREE_TRIES = 5;
const LONGEST_PAUSE_MS = 60_000;
/** A name that was left alone this long starts anew. */
const FORGET_MS = 900_000;
const PER_CLIENT = { size: 30, perSecond: 0.5 };
const IN_ALL = { size: 100, perSecond: 2 };
/** Each costs 32 MiB and a thread while it runs. */
const AT_ONCE = 4;

interface Name {
  failures: number;
  lastAt: number;
  until: number;
}
interface Budget {
  left: number;
  at: number;
}

export interface LoginThrottle {
  /**
   * Runs one try and counts it; a try that gives undefined has failed.
   * @throws AppError RATE_LIMITED with `retryAfterMs`, before `attempt` is called
   */
  attempt<T>(name: string, clientKey: string, attempt: () => Promise<T | undefined>): Promise<T | undefined>;
}

/** @param now milliseconds since the epoch */
export function createLoginThrottle(now: () => number): LoginThrottle {
  const names = new LRUCache<string, Name>({ max: 10_000 });
  const clients = new LRUCache<string, Budget>({ max: 10_000 });
  const all: Budget = { left: IN_ALL.size, at: now() };
  let running = 0;

  function nameOf(key: string): Name {
    const known = names.get(key);
    if (known !== undefined && now() - known.lastAt <= FORGET_MS) return known;
    const fresh = { failures: 0, lastAt: now(), until: 0 };
    names.set(key, fresh);
    return fresh;
  }

  return {
    async attempt(name, clientKey, attempt) {
      const at = now();
      const record = nameOf(name);
      if (record.until > at) throw limited(record.until - at);
      if (running >= AT_ONCE) throw limited(500);
      const client = clients.get(clientKey) ?? { left: PER_CLIENT.size, at };
      clients.set(clientKey, client);
      // Both are looked at before either is charged: one client's excess must not use up everybody's budget.
      const waitMs = Math.max(refill(client, PER_CLIENT, at), refill(all, IN_ALL, at));
      if (waitMs > 0) throw limited(waitMs);
      client.left--;
      all.left--;
      // Counted as failed until it succeeds, so that tries made together count as well.
      record.failures++;
      record.lastAt = at;
      if (record.failures >= FREE_TRIES) {
        record.until = at + Math.min(1_000 * 2 ** Math.min(record.failures - FREE_TRIES, 10), LONGEST_PAUSE_MS);
      }
      running++;
      try {
        const result = await attempt();
        if (result !== undefined) {
          names.delete(name);
          client.left++;
          all.left++;
        }
        return result;
      } finally {
        running--;
      }
    },
  };
}

/** Refills a budget; milliseconds until it allows one more, 0 when it does now. */
function refill(budget: Budget, { size, perSecond }: { size: number; perSecond: number }, at: number): number {
  budget.left = Math.min(size, budget.left + (Math.max(0, at - budget.at) / 1000) * perSecond);
  budget.at = at;
  return budget.left >= 1 ? 0 : Math.ceil(((1 - budget.left) / perSecond) * 1000);
}

function limited(retryAfterMs: number): AppError {
  return new AppError('RATE_LIMITED', { text: 'Too many attempts to sign in', data: { retryAfterMs } });
}
