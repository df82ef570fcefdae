/**
 * Owns reading the audit: searching it backwards, following it and exporting it. Reads a bounded piece at a time, so that it
 * may run on the router's main thread; never writes. Values are compared, never put into SQL.
 */
import fs from 'node:fs';
import { setTimeout as delay, setImmediate as pause } from 'node:timers/promises';
import { z } from 'zod';
import { recordTime } from './chain.ts';
import { AUDIT_KINDS, AUDIT_OUTCOMES, type AuditEntry, MAX_STRING } from './entry.ts';
import { escapeUnsafe } from './safe-text.ts';
import { type AuditTable, auditFile, openAuditTable, type RecordRow } from './table.ts';

const text = z.string().max(MAX_STRING).optional();
const time = z.int().nonnegative().optional();

/** What a record must equal to be found. */
export const AuditFilter = z.strictObject({
  kind: z.enum(AUDIT_KINDS).optional(),
  outcome: z.enum(AUDIT_OUTCOMES).optional(),
  agent: text,
  tool: text,
  server: text,
  session: text,
  callId: text,
  workflow: text,
  trace: text,
});

export const AuditQuery = AuditFilter.extend({
  /** Milliseconds since the epoch, both included. */
  since: time,
  until: time,
  limit: z.int().min(1).max(1_000),
  /** Only records below this seq: the `before` of the last answer. */
  before: z.int().positive().optional(),
});

export type AuditFilter = z.infer<typeof AuditFilter>;
export type AuditQuery = z.infer<typeof AuditQuery>;

/** A record as it was written, with what the writer added. Digests of cut strings stand beside them (`toolDigest`). */
export interface AuditRecord extends Omit<AuditEntry, 'kind'> {
  readonly kind: AuditEntry['kind'] | 'unreadable';
  readonly seq: number;
  readonly time: number;
  readonly argsDigest?: string;
}

export interface AuditPage {
  /** Newest first. */
  readonly records: readonly AuditRecord[];
  /** Where to go on; absent at the old end. A page may be short, even empty, and still have it: the search is bounded. */
  readonly before?: number;
}

/** Rows read at a time: about a millisecond. */
const STEP = 500;
/** Rows one query looks at before it answers with what it has. */
const MAX_SCANNED = 200_000;

/** Searches from the newest record backwards. */
export async function queryAudit(from: { readonly dataDir: string }, query: AuditQuery): Promise<AuditPage> {
  return withTable(from.dataDir, { records: [] }, async (table) => {
    const matches = matcher(query);
    const records: AuditRecord[] = [];
    let before = Math.min(
      query.before ?? Number.MAX_SAFE_INTEGER,
      query.until === undefined ? Number.MAX_SAFE_INTEGER : firstAfter(table, query.until),
    );
    for (let scanned = 0; scanned < MAX_SCANNED; scanned += STEP) {
      const rows = table.before.all(before, STEP);
      for (const row of rows) {
        if ((recordTime(row.record) ?? Number.POSITIVE_INFINITY) < (query.since ?? 0)) return { records };
        before = row.seq;
        if (!matches(row)) continue;
        records.push(parseRecord(row));
        if (records.length === query.limit) return { records, before };
      }
      if (rows.length < STEP) return { records };
      await pause();
    }
    return { records, before };
  });
}

export interface TailOptions {
  readonly dataDir: string;
  /** How many matching records to begin with. */
  readonly last: number;
  readonly filter?: AuditFilter;
  /** Without it the tail ends where the audit does. */
  readonly follow?: boolean;
  readonly pollMs?: number;
  readonly signal?: AbortSignal;
}

/** The last records, oldest first, and then those that come, until aborted. */
export async function* tailAudit(options: TailOptions): AsyncGenerator<AuditRecord> {
  const { dataDir, last, filter = {}, follow = false, pollMs = 250, signal } = options;
  const newest = await withTable(dataDir, 0, async (table) => table.head.get(1)?.seq ?? 0);
  let seq = newest;
  if (last > 0 && newest > 0) {
    const page = await queryAudit({ dataDir }, { ...filter, limit: last, before: newest + 1 });
    yield* page.records.toReversed();
  }
  const matches = matcher(filter);
  while (follow && !signal?.aborted) {
    const rows = await withTable(dataDir, [], async (table) => table.after.all(seq, STEP));
    for (const row of rows) {
      seq = row.seq;
      if (matches(row)) yield parseRecord(row);
    }
    if (rows.length < STEP) await delay(pollMs, undefined, signal ? { signal } : {}).catch(() => undefined);
  }
}

/** Every record in the time given, oldest first, as the exact text that is hashed. */
export async function* exportAudit(options: {
  readonly dataDir: string;
  readonly since?: number;
  readonly until?: number;
}): AsyncGenerator<string> {
  const { dataDir, since = 0, until = Number.MAX_SAFE_INTEGER } = options;
  if (!fs.existsSync(auditFile(dataDir))) return;
  const table = await openAuditTable({ dataDir, readonly: true });
  try {
    let seq = since === 0 ? 0 : firstAfter(table, since - 1) - 1;
    for (;;) {
      const rows = table.after.all(seq, STEP);
      for (const row of rows) {
        if ((recordTime(row.record) ?? 0) > until) return;
        seq = row.seq;
        yield row.record;
      }
      if (rows.length < STEP) return;
      await pause();
    }
  } finally {
    await table.store.close();
  }
}

async function withTable<T>(dataDir: string, absent: T, work: (table: AuditTable) => Promise<T>): Promise<T> {
  if (!fs.existsSync(auditFile(dataDir))) return absent;
  const table = await openAuditTable({ dataDir, readonly: true });
  try {
    return await work(table);
  } finally {
    await table.store.close();
  }
}

/** The first seq with a time above `limit`; times never fall along the chain. */
function firstAfter(table: AuditTable, limit: number): number {
  let low = (table.from.get(0, 1)?.seq ?? 1) - 1;
  let high = (table.head.get(1)?.seq ?? 0) + 1;
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    const row = table.from.get(middle, 1);
    if (row !== undefined && (recordTime(row.record) ?? 0) <= limit) low = middle;
    else high = middle;
  }
  return high;
}

/** Looks for the field as the writer prints it before it parses: most rows are passed over without a parse. */
function matcher(filter: AuditFilter): (row: RecordRow) => boolean {
  const { kind, outcome, agent, tool, server, session, callId, workflow, trace } = filter;
  const wanted = Object.entries({ kind, outcome, agent, tool, server, session, callId, workflow, trace }).filter(
    (entry): entry is [string, string] => entry[1] !== undefined,
  );
  const printed = wanted.map(([name, value]) => `${JSON.stringify(name)}:${escapeUnsafe(JSON.stringify(value))}`);
  return (row) => {
    if (!printed.every((part) => row.record.includes(part))) return false;
    const record = new Map<string, unknown>(Object.entries(parseRecord(row)));
    return wanted.every(([name, value]) => record.get(name) === value);
  };
}

/** A row that somebody damaged is shown as such; verification says more. */
function parseRecord({ seq, record }: RecordRow): AuditRecord {
  try {
    return { ...(JSON.parse(record) as AuditRecord), seq };
  } catch {
    return { seq, time: recordTime(record) ?? 0, kind: 'unreadable' };
  }
}
