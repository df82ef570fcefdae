/** The tool `twin_erase` (T7). */
import { z } from 'zod';
import { AppError } from '../../../shared/errors.ts';
import { defineTool, type Tool } from '../../../shared/tool.ts';
import type { TwinDeps } from '../deps.ts';
import { folded } from '../store/facts.ts';
import type { Twin } from '../twin.ts';
import { BOUNDS, count, factIdSchema, time, topicSchema } from '../view.ts';

const MOST_IDS = 500;

const whatSchema = z.discriminatedUnion('scope', [
  z.strictObject({ scope: z.literal('all').describe('The whole twin: facts, events, consents, its key and its file') }),
  z.strictObject({ scope: z.literal('facts'), fact_ids: z.array(factIdSchema).min(1).max(MOST_IDS) }),
  z.strictObject({ scope: z.literal('topic').describe('Preference and events of a topic'), topic: topicSchema }),
  z.strictObject({
    scope: z.literal('text').describe('Everything that holds this text, without difference of case'),
    text: z.string().trim().min(3).max(BOUNDS.query),
  }),
  z.strictObject({ scope: z.literal('unused_since').describe('What was not used since'), time }),
]);

export function twinErase({ twins }: TwinDeps): Tool {
  return defineTool({
    name: 'twin_erase',
    title: 'Forget me',
    description:
      "Erases from the caller's own twin, for good: everything, single facts, a topic, all that holds a text, or what was not used since a " +
      'time. The bytes are gone from the files too. There is no undo: show the person what goes (mini_rag_query, twin_export), ask, then ' +
      'call with confirm true. What was elevated before stays known; it holds no personal data. Returns how much went.',
    input: z.strictObject({ what: whatSchema, confirm: z.boolean().describe('true: the person has been asked') }),
    output: z.object({ erased: count, twin_erased: z.boolean() }),
    annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: true, openWorldHint: false },
    async handler({ what, confirm }, { caller }) {
      if (!confirm) {
        throw new AppError('INVALID_PARAMS', {
          text: 'Nothing was erased: ask the person first, then call again with confirm true',
        });
      }
      if (what.scope === 'all') {
        // A store that cannot be read any more can still be erased.
        const erased = await twins
          .use(caller.agentId, (twin) => twin.facts.count() + twin.events.count())
          .catch(() => undefined);
        const isErased = await twins.remove(caller.agentId);
        return { erased: isErased ? (erased ?? 0) : 0, twin_erased: isErased };
      }
      const erased = await twins.use(caller.agentId, (twin) => twin.erase(() => remove(twin, what)));
      return { erased: erased ?? 0, twin_erased: false };
    },
  });
}

type Part = Exclude<z.output<typeof whatSchema>, { scope: 'all' }>;

function remove({ facts, events, elevations }: Twin, what: Part): number {
  switch (what.scope) {
    case 'facts':
      return facts.remove(what.fact_ids.flatMap((id) => facts.find(id)?.key ?? []));
    case 'topic': {
      const topic = folded(what.topic);
      const known = facts.list('preference').filter((fact) => fact.topic === topic);
      return facts.remove(known.map(({ key }) => key)) + events.removeTopic(topic);
    }
    case 'text':
      return (
        facts.remove(facts.holding(what.text)) + events.removeHolding(what.text) + elevations.removeHolding(what.text)
      );
    case 'unused_since': {
      const until = Date.parse(what.time);
      return facts.remove(facts.unusedSince(until)) + events.removeTopicsUnusedSince(until);
    }
  }
}
