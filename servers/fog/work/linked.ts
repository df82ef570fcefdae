/**
 * What the dispatcher remembers of one node while its link lasts: what its runs used, what waits there, whether it ends jobs fast. Lost
 * with the link; what is true stands in fog.db.
 */
import type { Link } from '../link/link.ts';
import type { FromNode, FromServer } from '../link/messages.ts';
import type { Used } from './endings.ts';

export interface Linked {
  readonly link: Link<FromServer, FromNode>;
  /** By work id, as the last beat said. */
  readonly used: Map<string, { readonly workId: string; readonly fence: number } & Used>;
  meteredAt: number;
  /** Its last job ended so soon that the next should be there already. */
  isQuick(): boolean;
  hasAhead(): boolean;
  gaveAhead(workId: string, fence: number, now: number): void;
  started(workId: string, now: number): void;
  ended(workId: string, now: number): void;
  /** What has waited there for too long, once: there is no room soon, so nothing more is given ahead. */
  recalls(now: number): { readonly workId: string; readonly fence: number }[];
  /** @returns false the second time */
  stopOnce(workId: string, fence: number): boolean;
}

/** A node is quick while its jobs take no longer. */
const QUICK_MS = 200;
/** What waits on a node for longer goes back to where all wait. */
const RECALL_AFTER_MS = 500;

export function createLinked(link: Linked['link'], now: number): Linked {
  const ahead = new Map<string, { readonly fence: number; readonly since: number }>();
  const startedAt = new Map<string, number>();
  const stopsSent = new Set<string>();
  let isQuick = false;

  return {
    link,
    used: new Map(),
    meteredAt: now,
    isQuick: () => isQuick,
    hasAhead: () => ahead.size > 0,
    gaveAhead: (workId, fence, at) => void ahead.set(workId, { fence, since: at }),
    started(workId, at) {
      ahead.delete(workId);
      startedAt.set(workId, at);
    },
    ended(workId, at) {
      const began = startedAt.get(workId);
      startedAt.delete(workId);
      ahead.delete(workId);
      if (began !== undefined) isQuick = at - began <= QUICK_MS;
    },
    recalls(at) {
      const old = [...ahead].filter(([, { since }]) => at - since >= RECALL_AFTER_MS);
      for (const [workId] of old) ahead.delete(workId);
      if (old.length > 0) isQuick = false;
      return old.map(([workId, { fence }]) => ({ workId, fence }));
    },
    stopOnce(workId, fence) {
      const key = `${workId}:${fence}`;
      const isNew = !stopsSent.has(key);
      stopsSent.add(key);
      return isNew;
    },
  };
}
