/** Owns the facts of one person: stated, confirmed, contradicted, found by id, and gone when nobody used them for long. */
import { createHash, randomBytes } from 'node:crypto';
import { checked, forecastOf, NO_RECORD, type TrackRecord } from '../learning/record.ts';
import { DAY_MS, dayOf } from '../learning/rhythm.ts';
import type { TwinStore } from './open.ts';
import type { FactKind, Tables } from './schema.ts';

export type StoredFact = Tables['facts'];

export interface Statement {
  readonly kind: FactKind;
  readonly domain: string;
  /** Of a preference; empty for the others. */
  readonly topic: string;
  readonly content: string;
  readonly source: string;
  /** When it was observed. */
  readonly at: number;
}

/** `same_day`: heard before on that day or a later one, which counts once. */
export type FactStatus = 'new' | 'confirmed' | 'contradicted' | 'replaced' | 'same_day';

export interface Facts {
  /** States a fact; said again on another day it is confirmed. A preference takes the place of the one with its topic. */
  state(statement: Statement, now: number): { readonly fact: StoredFact; readonly status: FactStatus };
  /** Whether a fact held, at `at`; undefined for one that is not there. */
  judge(
    factId: string,
    held: boolean,
    at: number,
    now: number,
  ): { readonly fact: StoredFact; readonly status: FactStatus } | undefined;
  find(factId: string): StoredFact | undefined;
  byKeys(keys: readonly number[]): StoredFact[];
  /** After a key, ascending. */
  after(key: number, limit: number): StoredFact[];
  list(kind: FactKind): StoredFact[];
  /** Those that are said with this probability at least. */
  sure(kind: FactKind, leastConfidence: number): StoredFact[];
  count(): number;
  /** Notes that they were found; at most once a day each. */
  touch(facts: readonly StoredFact[], now: number): void;
  /** @returns how many went */
  remove(keys: readonly number[]): number;
  /** Keys of those that were not used since. */
  unusedSince(ms: number): number[];
  /** Keys of those whose content holds this text, without difference of case. */
  holding(text: string): number[];
}

const CHUNK = 500;

/** How likely the fact is to hold the next time: its statement and each later check count alike. */
export function confidenceOfFact(fact: Pick<StoredFact, 'hits' | 'misses' | 'squared'>): number {
  return forecastOf(recordOf(fact));
}

/** Nothing is forgotten here, so that all checks weigh alike. */
function recordOf({ hits, misses, squared }: Pick<StoredFact, 'hits' | 'misses' | 'squared'>): TrackRecord {
  return { hits, misses, squared, weight: hits + misses + 1 };
}

export function createFacts(store: TwinStore): Facts {
  const { db, all, first, run } = store;
  const from = () => db.selectFrom('facts').selectAll();
  const find = (factId: string) => first<StoredFact>(from().where('fact_id', '=', factId));
  const keysOf = (rows: readonly { key: number }[]) => rows.map(({ key }) => key);

  function judge(fact: StoredFact, held: boolean, at: number, now: number) {
    const day = dayOf(at);
    const isCounted = day > fact.last_day;
    const record = isCounted ? checked(recordOf(fact), held) : fact;
    const { hits, misses, squared } = record;
    const last_day = Math.max(day, fact.last_day);
    const used_at = Math.max(now, fact.used_at);
    run(db.updateTable('facts').set({ hits, misses, squared, last_day, used_at }).where('fact_id', '=', fact.fact_id));
    const status: FactStatus = isCounted ? (held ? 'confirmed' : 'contradicted') : 'same_day';
    return { fact: { ...fact, hits, misses, squared, last_day, used_at }, status };
  }

  function remove(keys: readonly number[]): number {
    const gone = keys.filter((key) => run(db.deleteFrom('facts').where('key', '=', key)) > 0);
    store.index.noteRemoved(gone);
    return gone.length;
  }

  return {
    state({ at, content, ...said }, now) {
      const digest = digestOf(said.topic, content);
      const same = first<StoredFact>(from().where('kind', '=', said.kind).where('digest', '=', digest));
      if (same) return judge(same, true, at, now);
      const isPreference = said.kind === 'preference';
      const replaced = isPreference
        ? remove(keysOf(all<StoredFact>(from().where('kind', '=', 'preference').where('topic', '=', said.topic))))
        : 0;
      const { hits, misses, squared } = checked(NO_RECORD, true);
      const fact: StoredFact = {
        ...said,
        key: store.take('fact'),
        fact_id: `f_${randomBytes(8).toString('hex')}`,
        content,
        digest,
        hits,
        misses,
        squared,
        last_day: dayOf(at),
        created_at: now,
        used_at: now,
      };
      run(db.insertInto('facts').values(fact));
      return { fact, status: replaced > 0 ? 'replaced' : 'new' };
    },
    judge(factId, held, at, now) {
      const fact = find(factId);
      return fact && judge(fact, held, at, now);
    },
    find,
    byKeys(keys) {
      const rows: StoredFact[] = [];
      for (let i = 0; i < keys.length; i += CHUNK) {
        rows.push(...all<StoredFact>(from().where('key', 'in', keys.slice(i, i + CHUNK))));
      }
      return rows;
    },
    after: (key, limit) => all<StoredFact>(from().where('key', '>', key).orderBy('key').limit(limit)),
    list: (kind) => all<StoredFact>(from().where('kind', '=', kind).orderBy('key')),
    sure(kind, least) {
      return all<StoredFact>(from().where('kind', '=', kind).where('hits', '>', 1).orderBy('key')).filter(
        (fact) => confidenceOfFact(fact) >= least,
      );
    },
    count: () => first<{ n: number }>(db.selectFrom('facts').select((e) => e.fn.countAll<number>().as('n')))?.n ?? 0,
    touch(facts, now) {
      for (const { key, used_at } of facts) {
        if (used_at + DAY_MS <= now) run(db.updateTable('facts').set({ used_at: now }).where('key', '=', key));
      }
    },
    remove,
    unusedSince: (ms) => keysOf(all<StoredFact>(from().where('used_at', '<=', ms))),
    holding(text) {
      const wanted = folded(text);
      const rows = all<StoredFact>(from());
      return keysOf(
        rows.filter(({ content, topic, domain, source }) =>
          folded(`${topic}\n${content}\n${domain}\n${source}`).includes(wanted),
        ),
      );
    },
  };
}

/** Without differences of case, spaces and forms of one character. */
export function folded(text: string): string {
  return text.normalize('NFKC').toLowerCase().replaceAll(/\s+/g, ' ').trim();
}

function digestOf(topic: string, content: string): string {
  return createHash('sha256')
    .update(`${folded(topic)}\n${folded(content)}`)
    .digest('hex');
}
