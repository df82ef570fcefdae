import { z } from 'zod';
import { parseOctets } from '../../../shared/json/octets.ts';
import { defineTool } from '../../../shared/tool.ts';
import { scanDefinition } from '../../definitions/poisoning.ts';
import { isVisible } from '../../relay/sees.ts';
import { quantile } from '../../tools/records.ts';
import { riskOf } from '../../tools/risk.ts';
import type { OwnServerDeps } from '../deps.ts';

const milliseconds = z.number().min(0).max(1e9).nullable();
const count = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);

export const toolReport = ({ router }: OwnServerDeps) =>
  defineTool({
    name: 'tool_report',
    title: 'Report on tools',
    description:
      'Tells of each tool how risky it is and why, how often it was called, failed and was refused, how long it took, and when it was used last, since this router started. Choose it to find risky, slow, failing or unused tools. Returns one entry for each, the riskiest first.',
    input: z.strictObject({
      server: z.string().min(1).max(64).optional().describe('Of this server only'),
      tool: z.string().min(1).max(200).optional().describe('This one only, as it is listed'),
      sort: z.enum(['risk', 'calls', 'errors', 'latency', 'last_use']).default('risk'),
      limit: z.number().int().min(1).max(500).default(50),
    }),
    output: z.object({
      tools: z
        .array(
          z.object({
            name: z.string().max(200),
            server: z.string().max(64),
            risk_score: z.number().min(0).max(1),
            risk_reasons: z.array(z.string().max(300)).max(20),
            awaits_approval: z.boolean(),
            calls: count,
            errors: count,
            refused: count,
            p50_ms: milliseconds,
            p95_ms: milliseconds,
            max_ms: milliseconds,
            last_used_at: z.string().max(40).nullable(),
          }),
        )
        .max(500),
      more: count,
    }),
    annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false },
    handler: async ({ server, tool, sort, limit }, { caller }) => {
      const view = router.catalog.view(undefined);
      const entries = [...view.lists.tools.values(), ...view.waiting.tools.values()].filter(
        (entry) =>
          isVisible(router, caller, entry) &&
          (server === undefined || entry.server.id === server) &&
          (tool === undefined || entry.name === tool),
      );
      const all = entries.map(({ server: { id, options }, item, name, awaitsApproval }) => {
        const definition = parseOctets(item.octets) as Record<string, unknown>;
        const findings = options.isBuiltIn ? 0 : scanDefinition(definition).length;
        const { score, reasons } = riskOf(definition, options.profile?.risk_level, findings);
        const record = router.toolRecords.get(id, item.own);
        return {
          name: name.slice(0, 200),
          server: id,
          risk_score: score,
          risk_reasons: reasons.map((reason) => reason.slice(0, 300)),
          awaits_approval: awaitsApproval === true,
          calls: record?.calls ?? 0,
          errors: record?.errors ?? 0,
          refused: record?.refused ?? 0,
          p50_ms: record === undefined ? null : quantile(record, 0.5),
          p95_ms: record === undefined ? null : quantile(record, 0.95),
          max_ms: record === undefined || record.calls === 0 ? null : Math.round(record.maxMs * 1_000) / 1_000,
          last_used_at: record === undefined ? null : new Date(record.lastUsedAt).toISOString(),
        };
      });
      const rank = {
        risk: (each: (typeof all)[number]) => each.risk_score,
        calls: (each: (typeof all)[number]) => each.calls,
        errors: (each: (typeof all)[number]) => each.errors,
        latency: (each: (typeof all)[number]) => each.p95_ms ?? -1,
        last_use: (each: (typeof all)[number]) => (each.last_used_at === null ? 0 : Date.parse(each.last_used_at)),
      }[sort];
      const sorted = all.sort((a, b) => rank(b) - rank(a) || (a.name < b.name ? -1 : 1));
      return { tools: sorted.slice(0, limit), more: Math.max(0, sorted.length - limit) };
    },
  });
