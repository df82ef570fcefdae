/** A token bucket for each key, bounded in keys: how much one peer or author may do. Pure; time is passed in. */
import { LRUCache } from 'lru-cache';

export interface Buckets {
  /** Takes one token. @returns how many are left; below 0 it was one too many. It falls to `-overdraft` at most */
  take(key: string, now: number): number;
}

export function createBuckets(limits: { burst: number; perSecond: number; overdraft: number }): Buckets {
  const { burst, perSecond, overdraft } = limits;
  const buckets = new LRUCache<string, { level: number; at: number }>({ max: 10_000 });
  return {
    take(key, now) {
      const bucket = buckets.get(key) ?? { level: burst, at: now };
      bucket.level = Math.min(burst, bucket.level + (Math.max(0, now - bucket.at) / 1_000) * perSecond);
      bucket.at = now;
      bucket.level = Math.max(-overdraft, bucket.level - 1);
      buckets.set(key, bucket);
      return bucket.level;
    },
  };
}
