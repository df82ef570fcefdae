/** What one check of the village says, and since when: a status that stays the same keeps its beginning, across restarts. */
import type { MonitoringStore } from '../store/open.ts';

export const COMPONENTS = [
  'system',
  'network',
  'services',
  'stores',
  'queues',
  'certificates',
  'audit',
  'security',
  'alerts',
] as const;
export type Component = (typeof COMPONENTS)[number];

export const STATUSES = ['healthy', 'degraded', 'unhealthy', 'unknown'] as const;
export type Status = (typeof STATUSES)[number];

export interface Check {
  readonly component: Component;
  /** What of it, such as a file system or a server; unique within the component. */
  readonly part: string;
  readonly status: Status;
  readonly finding: string;
  /** What to do; null when all is well. */
  readonly remedy: string | null;
  /** Known from elsewhere, in milliseconds since the epoch. */
  readonly sinceMs?: number;
}

export interface DatedCheck extends Check {
  readonly sinceMs: number;
}

/** Remembers when each status began. */
export async function dated(store: MonitoringStore, checks: readonly Check[], nowMs: number): Promise<DatedCheck[]> {
  const rows = await store.db.selectFrom('findings').selectAll().execute();
  const known = new Map(rows.map(({ component, ...row }) => [component, row]));
  const result: DatedCheck[] = [];
  for (const check of checks) {
    const key = `${check.component}/${check.part}`.slice(0, 300);
    const before = known.get(key);
    const sinceMs = check.sinceMs ?? (before?.status === check.status ? Number(before.since) : nowMs);
    if (before?.status !== check.status) {
      const { status } = check;
      await store.db
        .insertInto('findings')
        .values({ component: key, status, since: sinceMs })
        .onConflict((conflict) => conflict.column('component').doUpdateSet({ status, since: sinceMs }))
        .execute();
    }
    result.push({ ...check, sinceMs });
  }
  return result;
}

/** `unknown` is told, and makes nothing worse. */
export function worst(checks: readonly Check[]): Status {
  for (const status of ['unhealthy', 'degraded'] as const)
    if (checks.some((one) => one.status === status)) return status;
  return checks.length > 0 && checks.every(({ status }) => status === 'unknown') ? 'unknown' : 'healthy';
}
