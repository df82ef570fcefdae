/** Owns the context entries (H6): versions against lost updates, and a budget of tokens for each namespace. */
import { AppError } from '../../../shared/errors.ts';
import { toPrune } from '../contexts.ts';
import type { HyperragStore } from './open.ts';
import type { Tables } from './schema.ts';

export type ContextEntry = Tables['contexts'];

export interface NewContext {
  readonly namespace: string;
  readonly source: string;
  /** JSON text. */
  readonly content: string;
  readonly priority: number;
  /** Of the content. */
  readonly tokens: number;
}

export interface ContextChange {
  readonly entry: ContextEntry;
  /** Ids of entries that had to go for it. */
  readonly pruned: readonly string[];
}

export interface ContextFilter {
  readonly source?: string | undefined;
  readonly minPriority?: number | undefined;
  /** Words that the content must hold, in any case. */
  readonly text?: string | undefined;
}

export interface Contexts {
  readonly maxTokens: number;
  /** @throws AppError INVALID_PARAMS when it alone is larger than the budget */
  add(id: string, given: NewContext, now: number): ContextChange;
  /** @throws AppError CONFLICT with `data.version` when `version` is not the newest; UNKNOWN_NAME */
  update(id: string, version: number, given: NewContext, now: number): ContextChange;
  /** @throws AppError UNKNOWN_NAME, CONFLICT when a version is given and not the newest */
  setPriority(id: string, namespace: string, priority: number, version: number | undefined, now: number): ContextEntry;
  get(id: string, namespace: string): ContextEntry;
  /** The highest priority first, then the newest. */
  list(namespace: string, filter: ContextFilter): ContextEntry[];
  /** @returns how many went */
  clear(namespace: string, filter: { readonly id?: string | undefined; readonly source?: string | undefined }): number;
  totals(namespace: string): { tokens: number; count: number };
}

export function createContexts(store: HyperragStore, maxTokens: number): Contexts {
  const { db } = store;
  const of = (namespace: string) => db.selectFrom('contexts').where('namespace', '=', namespace);

  function find(id: string, namespace: string): ContextEntry {
    const entry = store.first(of(namespace).selectAll().where('id', '=', id));
    if (!entry) throw new AppError('UNKNOWN_NAME', { text: `Unknown context: ${id}` });
    return entry;
  }

  function refuseOld(entry: ContextEntry, version: number): void {
    if (entry.version === version) return;
    throw new AppError('CONFLICT', {
      text: `It was changed meanwhile: you have version ${version}, it is at ${entry.version}. Read it with context_get, then update again.`,
      data: { version: entry.version },
    });
  }

  function refuseLarge({ tokens }: NewContext): void {
    if (tokens <= maxTokens) return;
    throw new AppError('INVALID_PARAMS', {
      text: `One entry has ${tokens} tokens, all together may have ${maxTokens}; shorten it`,
    });
  }

  /** For those who watch. */
  const changed = () => store.take('context', 1);

  function prune(namespace: string, keep: string, now: number): string[] {
    const entries = store.all(of(namespace).select(['id', 'priority', 'tokens', 'updated_at as updatedAt']));
    const gone = toPrune(entries, maxTokens, now, keep);
    for (const id of gone) store.run(db.deleteFrom('contexts').where('id', '=', id));
    return gone;
  }

  return {
    maxTokens,
    add(id, given, now) {
      refuseLarge(given);
      const entry = { ...given, id, version: 1, created_at: now, updated_at: now };
      return store.transaction(() => {
        changed();
        store.run(db.insertInto('contexts').values(entry));
        return { entry, pruned: prune(given.namespace, id, now) };
      });
    },
    update(id, version, given, now) {
      refuseLarge(given);
      return store.transaction(() => {
        const old = find(id, given.namespace);
        refuseOld(old, version);
        const entry = { ...old, ...given, version: version + 1, updated_at: now };
        changed();
        store.run(db.updateTable('contexts').set(entry).where('id', '=', id));
        return { entry, pruned: prune(given.namespace, id, now) };
      });
    },
    setPriority(id, namespace, priority, version, now) {
      return store.transaction(() => {
        const old = find(id, namespace);
        if (version !== undefined) refuseOld(old, version);
        changed();
        const change = { priority, version: old.version + 1, updated_at: now };
        store.run(db.updateTable('contexts').set(change).where('id', '=', id));
        return { ...old, ...change };
      });
    },
    get: find,
    list(namespace, { source, minPriority, text }) {
      let query = of(namespace).selectAll();
      if (source !== undefined) query = query.where('source', '=', source);
      if (minPriority !== undefined) query = query.where('priority', '>=', minPriority);
      const entries = store.all(query.orderBy('priority', 'desc').orderBy('updated_at', 'desc').orderBy('id'));
      const words = (text ?? '').toLowerCase().split(/\s+/u).filter(Boolean);
      return entries.filter(({ content }) => {
        const lower = content.toLowerCase();
        return words.every((word) => lower.includes(word));
      });
    },
    clear(namespace, { id, source }) {
      let query = db.deleteFrom('contexts').where('namespace', '=', namespace);
      if (id !== undefined) query = query.where('id', '=', id);
      if (source !== undefined) query = query.where('source', '=', source);
      return store.transaction(() => {
        changed();
        return store.run(query);
      });
    },
    totals(namespace) {
      const row = store.first(
        of(namespace).select((e) => [
          e.fn.coalesce(e.fn.sum<number>('tokens'), e.lit(0)).as('tokens'),
          e.fn.countAll<number>().as('count'),
        ]),
      );
      return { tokens: row?.tokens ?? 0, count: row?.count ?? 0 };
    },
  };
}
