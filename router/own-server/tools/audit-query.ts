import { z } from 'zod';
import { defineTool } from '../../../shared/tool.ts';
import { AUDIT_KINDS, AUDIT_OUTCOMES } from '../../audit/entry.ts';
import { queryAudit } from '../../audit/query.ts';
import type { OwnServerDeps } from '../deps.ts';

const time = z.iso.datetime({ offset: true }).max(40);
const name = z.string().min(1).max(1_024);

export const auditQuery = ({ dataDir }: OwnServerDeps) =>
  defineTool({
    name: 'audit_query',
    title: 'Search the audit',
    description:
      'Finds records of what was done, refused and decided, newest first. Choose it to learn who called what, when and with which outcome. Arguments of calls are not in it, only their keyed digests. Returns records and, when there are more, where to go on.',
    input: z.strictObject({
      since: time.optional().describe('ISO 8601; records from then on'),
      until: time.optional().describe('ISO 8601; records before then'),
      agent: name.optional(),
      tool: name.optional(),
      kind: z.enum(AUDIT_KINDS).optional(),
      outcome: z.enum(AUDIT_OUTCOMES).optional(),
      server: name.optional(),
      workflow: name.optional().describe('Calls that named this workflow in _meta["io.aivillage/workflow"]'),
      trace: name.optional().describe('Calls of this W3C trace id, 32 hexadecimal digits'),
      call_id: name.optional().describe('All records of one call'),
      limit: z.number().int().min(1).max(1_000).default(50),
      before: z
        .number()
        .int()
        .min(1)
        .max(Number.MAX_SAFE_INTEGER)
        .optional()
        .describe('Only records with a smaller seq'),
    }),
    output: z.object({
      records: z.array(z.record(z.string().max(100), z.unknown())).max(1_000),
      next_before: z
        .number()
        .int()
        .min(1)
        .max(Number.MAX_SAFE_INTEGER)
        .nullable()
        .describe('Give this as `before` for older records'),
    }),
    annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false },
    handler: async ({ since, until, call_id, ...filter }) => {
      const page = await queryAudit(
        { dataDir },
        {
          ...filter,
          ...(call_id === undefined ? {} : { callId: call_id }),
          ...(since === undefined ? {} : { since: Date.parse(since) }),
          ...(until === undefined ? {} : { until: Date.parse(until) }),
        },
      );
      return { records: page.records.map((record) => ({ ...record })), next_before: page.before ?? null };
    },
  });
