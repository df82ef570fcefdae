/** The tool `twin_preferences` (T2, T3). */
import { z } from 'zod';
import { AppError } from '../../../shared/errors.ts';
import { defineTool, type Tool } from '../../../shared/tool.ts';
import type { TwinDeps } from '../deps.ts';
import { observe } from '../observe.ts';
import { folded } from '../store/facts.ts';
import type { Twin } from '../twin.ts';
import { patternSchema, preferenceSchema, toPattern, toPreference, topicSchema } from '../view.ts';

const MOST = 1_000;

export function twinPreferences({ twins, nowMs }: TwinDeps): Tool {
  return defineTool({
    name: 'twin_preferences',
    title: 'My preferences',
    description:
      "The caller's own preferences, and what the twin has learnt to expect: list shows both, set states a preference (topic and value; " +
      'it replaces the one of that topic), forget removes one. Choose it before you act for this person. Returns all preferences after ' +
      'the change, and per learnt pattern when it is expected next, how likely, and the score of its earlier forecasts.',
    input: z.strictObject({
      action: z.enum(['list', 'set', 'forget']).default('list'),
      topic: topicSchema.optional().describe('Needed by set and forget'),
      value: z.string().trim().min(1).max(1_000).optional().describe('Needed by set'),
    }),
    output: z.object({
      preferences: z.array(preferenceSchema).max(MOST),
      expected: z.array(patternSchema).max(MOST),
    }),
    annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: true, openWorldHint: false },
    async handler({ action, topic, value }, { caller }) {
      const show = (twin: Twin) => {
        const found = twin.facts.list('preference');
        twin.facts.touch(found, nowMs());
        const preferences = found.slice(0, MOST).map(toPreference);
        return { preferences, expected: twin.patterns().slice(0, MOST).map(toPattern) };
      };
      const missing = (what: string) =>
        new AppError('INVALID_PARAMS', { text: `The action ${action} needs ${what}; it came without` });
      if (action === 'set') {
        if (topic === undefined || value === undefined) throw missing('topic and value');
        return twins.make(caller.agentId, (twin) => {
          observe(twin, [{ kind: 'preference', topic, value, source: 'twin_preferences', at: undefined }]);
          return show(twin);
        });
      }
      if (action === 'forget' && topic === undefined) throw missing('topic');
      const shown = await twins.use(caller.agentId, (twin) => {
        if (topic !== undefined && action === 'forget') {
          const wanted = folded(topic);
          const known = twin.facts.list('preference').filter((fact) => fact.topic === wanted);
          twin.erase(() => twin.facts.remove(known.map(({ key }) => key)));
        }
        return show(twin);
      });
      return shown ?? { preferences: [], expected: [] };
    },
  });
}
