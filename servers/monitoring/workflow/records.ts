/** Reads calls from the audit by way of the router, page by page and bounded. Writes nothing and judges nothing. */
import { z } from 'zod';
import type { RouterClient } from '../../../shared/client/router-client.ts';

const pageSchema = z.object({
  records: z.array(
    z.looseObject({
      time: z.number(),
      kind: z.string(),
      callId: z.string().optional(),
      agent: z.string().optional(),
      server: z.string().optional(),
      tool: z.string().optional(),
      resource: z.string().optional(),
      prompt: z.string().optional(),
      method: z.string().optional(),
      outcome: z.string().optional(),
      reason: z.string().optional(),
      durationMs: z.number().optional(),
      argsDigest: z.string().optional(),
      workflow: z.string().optional(),
      trace: z.string().optional(),
      details: z.record(z.string(), z.unknown()).optional(),
    }),
  ),
  next_before: z.number().nullable(),
});

export type AuditRecord = z.output<typeof pageSchema>['records'][number];

const PAGE = 1_000;
const TIMEOUT_MS = 30_000;

export interface Found {
  /** Oldest first. */
  readonly records: readonly AuditRecord[];
  /** False when there are more, older ones. */
  readonly isWhole: boolean;
}

/** @throws AppError as the router gave it */
export async function readRecords(
  client: RouterClient,
  filter: Readonly<Record<string, unknown>>,
  most: number,
): Promise<Found> {
  const records: AuditRecord[] = [];
  let before: number | null = null;
  do {
    const args: Record<string, unknown> = { ...filter, limit: Math.min(PAGE, most - records.length) };
    if (before !== null) args.before = before;
    const page = pageSchema.parse(await client.call('audit_query', args, TIMEOUT_MS));
    records.push(...page.records);
    before = page.next_before;
  } while (before !== null && records.length < most);
  return { records: records.reverse(), isWhole: before === null };
}
