/**
 * Owns documents and their passages: puts a document in one transaction, in place of the one with its id, and tells what came
 * and went since. Knows neither files nor the index.
 */
import { createHash } from 'node:crypto';
import type { Piece } from '../ingest/chunk.ts';
import { createHoldings } from './holdings.ts';
import { addMentions, removeMentions } from './mentions.ts';
import type { HyperragStore } from './open.ts';
import type { Kind, Tables } from './schema.ts';
import { removeVectors } from './vectors.ts';

export interface NewDocument {
  readonly namespace: string;
  readonly kind: Kind;
  readonly id: string;
  readonly title: string;
  readonly source: string;
  readonly author: string;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly ttlDays: number | null;
  readonly pieces: readonly Piece[];
}

export type StoredDocument = Tables['documents'];

/** A passage with its document. */
export interface StoredPassage {
  readonly key: number;
  readonly ordinal: number;
  readonly heading: string;
  readonly text: string;
  readonly digest: string;
  readonly page: number | null;
  readonly document: StoredDocument;
}

export type Put =
  | { readonly outcome: 'added' | 'updated'; readonly passages: number }
  | { readonly outcome: 'unchanged' }
  /** Another document of the same namespace and source says the very same. */
  | { readonly outcome: 'duplicate'; readonly of: string }
  /** There is one with this id, and `mayReplace` said no. */
  | { readonly outcome: 'refused' }
  /** Its author has this many passages there already, and may have no more than `most`. */
  | { readonly outcome: 'full'; readonly held: number; readonly most: number };

/** Passages that an author may have in one namespace. */
const USUAL_MOST_PASSAGES = 200_000;

/** Where a text is stated, and by which source. */
export interface Statement {
  readonly namespace: string;
  readonly source: string;
}

export interface Documents {
  /** One transaction: afterwards the whole document is there, or nothing of it. */
  put(document: NewDocument, now: number, mayReplace: (old: StoredDocument) => boolean): Put;
  /** Several in one transaction, in order. */
  putAll(documents: readonly NewDocument[], now: number, mayReplace: (old: StoredDocument) => boolean): Put[];
  find(namespace: string, kind: Kind, id: string): StoredDocument | undefined;
  /** In whatever namespace; only for kinds whose ids nobody can guess. */
  findAnywhere(kind: Kind, id: string): StoredDocument | undefined;
  remove(key: number): void;
  /** In no order; those that are gone are missing. At most 1,000 keys. */
  passages(keys: readonly number[]): StoredPassage[];
  passagesOf(documentKey: number): StoredPassage[];
  /** For each digest, who states that very text in these namespaces; none where nobody does. At most 1,000 digests. */
  claimants(digests: readonly string[], namespaces: readonly string[]): Map<string, Statement[]>;
  /** Of one kind in these namespaces, the newest first. */
  list(kind: Kind, namespaces: readonly string[], limit: number): StoredDocument[];
  /** Removes documents of a kind whose time is over: `updated_at` plus its own days, else `defaultDays`. @returns how many */
  expire(kind: Kind, now: number, defaultDays: number | undefined): number;
  addedSince(key: number, limit: number): StoredPassage[];
  counts(namespaces: readonly string[]): { kind: Kind; documents: number; passages: number }[];
}

export const DAY_MS = 86_400_000;
/** Of one claim more voices add nothing. */
const MOST_STATEMENTS = 5_000;

export function digestOf(...parts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}

export function createDocuments(store: HyperragStore, mostPassages = USUAL_MOST_PASSAGES): Documents {
  const { db } = store;
  const holdings = createHoldings(store);

  const joined = () => db.selectFrom('passages').innerJoin('documents', 'documents.key', 'passages.document_key');
  const columns = [
    'passages.key as passage_key',
    'passages.ordinal',
    'passages.heading',
    'passages.text',
    'passages.digest as passage_digest',
    'passages.page',
    'documents.key',
    'documents.namespace',
    'documents.kind',
    'documents.document_id',
    'documents.title',
    'documents.source',
    'documents.author',
    'documents.digest',
    'documents.metadata',
    'documents.ttl_days',
    'documents.created_at',
    'documents.updated_at',
  ] as const;
  type Joined = StoredDocument & {
    passage_key: number;
    ordinal: number;
    heading: string;
    text: string;
    passage_digest: string;
    page: number | null;
  };
  const toPassage = ({
    passage_key,
    ordinal,
    heading,
    text,
    passage_digest,
    page,
    ...document
  }: Joined): StoredPassage => ({
    key: passage_key,
    ordinal,
    heading,
    text,
    digest: passage_digest,
    page,
    document,
  });

  function find(namespace: string, kind: Kind, id: string): StoredDocument | undefined {
    return store.first(
      db
        .selectFrom('documents')
        .selectAll()
        .where('namespace', '=', namespace)
        .where('kind', '=', kind)
        .where('document_id', '=', id),
    );
  }

  function removePassages(keys: readonly number[]): void {
    for (const key of keys) {
      store.run(db.deleteFrom('passages').where('key', '=', key));
      removeMentions(store, key);
      removeVectors(store, key);
    }
    store.index.noteRemoved(keys);
  }

  function addPassages(document: NewDocument, documentKey: number, pieces: readonly (Piece & { ordinal: number })[]) {
    let key = pieces.length === 0 ? 0 : store.take('passage', pieces.length);
    for (const { ordinal, heading, text, page = null } of pieces) {
      const row = { key, document_key: documentKey, ordinal, heading, text, digest: digestOf(text), page };
      store.run(db.insertInto('passages').values(row));
      addMentions(store, document, { key, heading, text });
      key++;
    }
  }

  /** Keeps the passages that stay what they were at their place. */
  function replacePassages(document: NewDocument, old: StoredDocument): void {
    const before = store.all(db.selectFrom('passages').selectAll().where('document_key', '=', old.key));
    const places = new Map(before.map((passage) => [passage.ordinal, passage]));
    const isKept = ({ text, heading, page }: Piece, ordinal: number) => {
      const there = places.get(ordinal);
      const isSame = there?.text === text && there.heading === heading && there.page === (page ?? null);
      return isSame && old.title === document.title;
    };
    const pieces = document.pieces.map((piece, ordinal) => ({ ...piece, ordinal }));
    const fresh = pieces.filter((piece) => !isKept(piece, piece.ordinal));
    const kept = new Set(pieces.filter((piece) => isKept(piece, piece.ordinal)).map(({ ordinal }) => ordinal));
    removePassages(before.filter(({ ordinal }) => !kept.has(ordinal)).map(({ key }) => key));
    addPassages(document, old.key, fresh);
  }

  function remove(key: number): void {
    store.transaction(() => {
      const document = store.first(db.selectFrom('documents').selectAll().where('key', '=', key));
      if (!document) return;
      const keys = store.all(db.selectFrom('passages').select('key').where('document_key', '=', key));
      removePassages(keys.map((row) => row.key));
      holdings.change(document, -keys.length);
      store.run(db.deleteFrom('documents').where('key', '=', key));
    });
  }

  function countOf(documentKey: number): number {
    const counted = db
      .selectFrom('passages')
      .select((e) => e.fn.countAll<number>().as('count'))
      .where('document_key', '=', documentKey);
    return store.first(counted)?.count ?? 0;
  }

  function put(document: NewDocument, now: number, mayReplace: (old: StoredDocument) => boolean): Put {
    const { namespace, kind, id, title, source, author, ttlDays, pieces } = document;
    const metadata = JSON.stringify(document.metadata);
    const content = pieces.flatMap(({ heading, text, page }) => [
      heading,
      text,
      ...(page === undefined ? [] : [String(page)]),
    ]);
    const digest = digestOf(title, source, metadata, ...content);
    return store.transaction((): Put => {
      const old = find(namespace, kind, id);
      if (old && !mayReplace(old)) return { outcome: 'refused' };
      if (old?.digest === digest && old.ttl_days === ttlDays) return { outcome: 'unchanged' };
      if (!old && kind === 'document') {
        const twin = store.first(
          db
            .selectFrom('documents')
            .select('document_id')
            .where('namespace', '=', namespace)
            .where('kind', '=', kind)
            .where('digest', '=', digest),
        );
        if (twin) return { outcome: 'duplicate', of: twin.document_id };
      }
      const freed = old ? countOf(old.key) : 0;
      const held = holdings.of(document);
      const isOwn = old?.author === author;
      if (pieces.length > freed && held + pieces.length - (isOwn ? freed : 0) > mostPassages) {
        return { outcome: 'full', held, most: mostPassages };
      }
      if (old) holdings.change(old, -freed);
      holdings.change(document, pieces.length);
      const row = { title, source, author, digest, metadata, ttl_days: ttlDays, updated_at: now };
      if (old) {
        store.run(db.updateTable('documents').set(row).where('key', '=', old.key));
        replacePassages(document, old);
        return { outcome: 'updated', passages: pieces.length };
      }
      const key = store.take('document', 1);
      store.run(db.insertInto('documents').values({ ...row, key, namespace, kind, document_id: id, created_at: now }));
      addPassages(
        document,
        key,
        pieces.map((piece, ordinal) => ({ ...piece, ordinal })),
      );
      return { outcome: 'added', passages: pieces.length };
    });
  }

  return {
    put,
    putAll: (documents, now, mayReplace) =>
      store.transaction(() => documents.map((document) => put(document, now, mayReplace))),
    find,
    findAnywhere: (kind, id) =>
      store.first(db.selectFrom('documents').selectAll().where('kind', '=', kind).where('document_id', '=', id)),
    remove,
    passages(keys) {
      if (keys.length > 1_000) throw new RangeError('at most 1,000 passages are read at once');
      if (keys.length === 0) return [];
      return store.all(joined().select(columns).where('passages.key', 'in', keys)).map(toPassage);
    },
    passagesOf: (documentKey) =>
      store
        .all(joined().select(columns).where('passages.document_key', '=', documentKey).orderBy('passages.ordinal'))
        .map(toPassage),
    claimants(digests, namespaces) {
      const statements = new Map<string, Statement[]>(digests.map((digest) => [digest, []]));
      if (digests.length === 0) return statements;
      const rows = store.all(
        joined()
          .select(['passages.digest', 'documents.namespace', 'documents.source'])
          .distinct()
          .where('passages.digest', 'in', digests)
          // Not by the index of namespaces: a namespace holds far more documents than there are with these texts.
          .where((e) => e(e.fn.coalesce('documents.namespace', e.val('')), 'in', namespaces))
          .limit(MOST_STATEMENTS),
      );
      for (const { digest, namespace, source } of rows) statements.get(digest)?.push({ namespace, source });
      return statements;
    },
    list: (kind, namespaces, limit) =>
      store.all(
        db
          .selectFrom('documents')
          .selectAll()
          .where('kind', '=', kind)
          .where('namespace', 'in', namespaces)
          .orderBy('updated_at', 'desc')
          .orderBy('key', 'desc')
          .limit(limit),
      ),
    expire(kind, now, defaultDays) {
      const over = store.all(
        db
          .selectFrom('documents')
          .select(['key'])
          .where('kind', '=', kind)
          .where((e) =>
            e.or([
              e(e('updated_at', '+', e('ttl_days', '*', DAY_MS)), '<=', now),
              ...(defaultDays === undefined
                ? []
                : [e.and([e('ttl_days', 'is', null), e('updated_at', '<=', now - defaultDays * DAY_MS)])]),
            ]),
          ),
      );
      for (const { key } of over) remove(key);
      return over.length;
    },
    addedSince: (key, limit) =>
      store
        .all(joined().select(columns).where('passages.key', '>', key).orderBy('passages.key').limit(limit))
        .map(toPassage),
    counts: (namespaces) =>
      store.all(
        db
          .selectFrom('documents')
          .leftJoin('passages', 'passages.document_key', 'documents.key')
          .select((e) => [
            'documents.kind',
            e.fn.count<number>('documents.key').distinct().as('documents'),
            e.fn.count<number>('passages.key').as('passages'),
          ])
          .where('documents.namespace', 'in', namespaces)
          .groupBy('documents.kind'),
      ),
  };
}
