/** Records of the audit as `audit_query` gives them, and what is missing among them. */
import { z } from 'zod';
import type { VillageClient } from '../../../client/index.ts';

const recordSchema = z.looseObject({
  seq: z.number(),
  /** Milliseconds since the epoch. */
  time: z.number(),
  kind: z.string(),
  agent: z.string().optional(),
  tool: z.string().optional(),
  callId: z.string().optional(),
  outcome: z.string().optional(),
  reason: z.string().optional(),
});
const schema = z.looseObject({ records: z.array(recordSchema), next_before: z.number().nullable() });

export type AuditRecord = z.output<typeof recordSchema>;
export type AuditPage = z.output<typeof schema>;
export type AuditSearch = Readonly<Record<string, string | number>>;

export async function auditPage(client: VillageClient, search: AuditSearch, limit: number): Promise<AuditPage> {
  return schema.parse(await client.call('audit_query', { ...search, limit }));
}

const resumedSchema = recordSchema.extend({
  details: z.looseObject({ downMs: z.number(), refused: z.number(), why: z.string() }),
});
/** A time in which nothing could be written, and so nothing was run. */
export type Outage = z.output<typeof resumedSchema>;

/** The last ones, newest first. */
export async function outages(client: VillageClient): Promise<Outage[]> {
  const answer = await client.call('audit_query', { kind: 'audit_resumed', limit: 20 });
  return z.looseObject({ records: z.array(resumedSchema) }).parse(answer).records;
}

export interface Gaps {
  /** Numbers that should stand between two records, and do not. */
  readonly missing: readonly { readonly from: number; readonly to: number }[];
  /** Calls that began more than a minute before the newest record and have no end: they still run, or were cut off. */
  readonly open: readonly AuditRecord[];
}

/** Most calls are over by then, the one that reads this among them. */
const LONG_MS = 60_000;

/** @param records all of a stretch, newest first */
export function gapsIn(records: readonly AuditRecord[]): Gaps {
  const missing: { from: number; to: number }[] = [];
  const ended = new Set<string>();
  const open: AuditRecord[] = [];
  const before = (records[0]?.time ?? 0) - LONG_MS;
  for (const [at, record] of records.entries()) {
    const older = records[at + 1];
    if (older !== undefined && older.seq < record.seq - 1) missing.push({ from: older.seq + 1, to: record.seq - 1 });
    if (record.callId === undefined) continue;
    if (record.kind === 'call_finished') ended.add(record.callId);
    else if (record.kind === 'call_started' && record.time < before && !ended.has(record.callId)) open.push(record);
  }
  return { missing, open };
}
