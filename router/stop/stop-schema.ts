/** How the state of the emergency stop looks to callers: the tools' output and the answer over REST. */
import { z } from 'zod';
import type { Executed } from './order.ts';
import { reasonSchema, type Stop, scopeSchema } from './stops.ts';

export const shutdownInput = z.strictObject({
  scope: scopeSchema.default('all').describe('all, server:ID, tool:NAME as it is listed, or agent:ID'),
  reason: reasonSchema.describe('Why; kept in the audit and shown to whoever is stopped or may resume'),
});

export const resumeInput = z.strictObject({
  scope: scopeSchema.optional().describe('The stop to end, by its scope; all of them when left out'),
  justification: reasonSchema.describe('Why it is safe to go on; kept in the audit'),
});

export const stopOutput = z.object({
  state: z.enum(['stopped', 'running']),
  since: z.string().max(40).nullable().describe('ISO 8601: the oldest stop in force'),
  stops: z
    .array(
      z.strictObject({
        scope: z.string().max(300),
        reason: z.string().max(1_000),
        by: z.string().max(256),
        since: z.string().max(40),
      }),
    )
    .max(20_000),
  routers_behind: z
    .number()
    .int()
    .min(0)
    .max(1_000_000)
    .describe('Other router processes that did not confirm in time; 0 is how it should be'),
  kept: z.boolean().describe('False when it could not be written: then it holds in this router alone, until it ends'),
  recorded: z.boolean().describe('False when the audit could not be written'),
});

export function toStopOutput({ stops, behind, isKept, isRecorded }: Executed): z.infer<typeof stopOutput> {
  const since = stops.length === 0 ? null : iso(Math.min(...stops.map(({ at }) => at)));
  return {
    state: stops.length === 0 ? 'running' : 'stopped',
    since,
    stops: stops.map(toView),
    routers_behind: behind,
    kept: isKept,
    recorded: isRecorded,
  };
}

function toView({ scope, reason, by, at }: Stop) {
  return { scope, reason, by, since: iso(at) };
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
