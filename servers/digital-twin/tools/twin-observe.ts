/** The tool `twin_observe` (T2, T3). */
import { z } from 'zod';
import { defineTool, type Tool } from '../../../shared/tool.ts';
import type { TwinDeps } from '../deps.ts';
import { type Observation, observe } from '../observe.ts';
import { sweepTwin } from '../retention.ts';
import { BOUNDS, factIdSchema, rounded, share, time, topicSchema } from '../view.ts';

const observed_at = time.optional().describe('When it was, if not now; ISO 8601');
const source = z.string().max(BOUNDS.source).default('').describe('Where this comes from');

const fact = (kind: 'knowledge' | 'personal', what: string) =>
  z.strictObject({
    kind: z.literal(kind).describe(what),
    content: z.string().trim().min(1).max(BOUNDS.content).describe('One fact, as a whole sentence'),
    domain: z.string().trim().min(1).max(BOUNDS.domain).default('general').describe('The field it belongs to'),
    source,
    observed_at,
  });

const observationSchema = z.discriminatedUnion('kind', [
  fact('knowledge', 'Of the world: could help others too, and may be elevated when it is sure'),
  fact('personal', 'About the person: never leaves the twin'),
  z.strictObject({
    kind: z.literal('preference'),
    topic: topicSchema.describe('Such as "length of reports"'),
    value: z.string().trim().min(1).max(1_000).describe('What is wanted there, such as "one page"'),
    source,
    observed_at,
  }),
  z.strictObject({
    kind: z
      .literal('event')
      .describe('The person wanted or did something: from these it is learnt when it comes again'),
    topic: topicSchema.describe('What it was, always in the same words, such as "weekly report"'),
    note: z.string().max(BOUNDS.note).default(''),
    observed_at,
  }),
  z.strictObject({
    kind: z.literal('outcome').describe('Whether a fact that the twin knows turned out to be so'),
    fact_id: factIdSchema,
    held: z.boolean(),
    observed_at,
  }),
]);

export function twinObserve({ twins, retentionDays }: TwinDeps): Tool {
  return defineTool({
    name: 'twin_observe',
    title: 'Tell my twin',
    description:
      "Tells the caller's own digital twin what was observed: facts of the world, facts about the person, preferences, events, and " +
      'whether a known fact turned out true. Nobody else can read it. The same fact on another day confirms it, so confidence grows; ' +
      'events teach when things are wanted. All of a call is taken or nothing. Returns per observation the fact_id, what became of it, and ' +
      'what the twin had expected.',
    input: z.strictObject({ observations: z.array(observationSchema).min(1).max(BOUNDS.observations) }),
    output: z.object({
      observed: z
        .array(
          z.object({
            fact_id: factIdSchema.nullable(),
            status: z.enum(['new', 'confirmed', 'contradicted', 'replaced', 'same_day', 'recorded']),
            confidence: share.nullable(),
            expected: z.array(z.object({ pattern: z.string().max(1_000), forecast: share })).max(100),
          }),
        )
        .max(BOUNDS.observations),
    }),
    annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: false, openWorldHint: false },
    async handler({ observations }, { caller }) {
      const observed = await twins.make(caller.agentId, (twin) => {
        const results = observe(twin, observations.map(toObservation));
        sweepTwin(twin, retentionDays());
        return results;
      });
      return {
        observed: observed.map(({ factId, status, confidence, expected }) => ({
          fact_id: factId,
          status,
          confidence: confidence === null ? null : rounded(confidence),
          expected: expected.slice(0, 100).map(({ pattern, forecast }) => ({ pattern, forecast: rounded(forecast) })),
        })),
      };
    },
  });
}

function toObservation({ observed_at: text, ...said }: z.output<typeof observationSchema>): Observation {
  const at = text === undefined ? undefined : Date.parse(text);
  if (said.kind !== 'outcome') return { ...said, at };
  return { kind: 'outcome', factId: said.fact_id, held: said.held, at };
}
