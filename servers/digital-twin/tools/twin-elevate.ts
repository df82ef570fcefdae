/** The tool `twin_elevate` (T6). */
import { z } from 'zod';
import { AppError } from '../../../shared/errors.ts';
import { defineTool, type Tool } from '../../../shared/tool.ts';
import type { TwinDeps } from '../deps.ts';
import { LEAST_CONFIDENCE, listCandidates } from '../elevation/candidates.ts';
import type { Outcome } from '../elevation/elevate.ts';
import { BOUNDS } from '../view.ts';

const MOST = 50;

const OUTCOMES = [
  'sent',
  'already_sent',
  'no_consent',
  'about_somebody',
  'not_sure_enough',
  'too_few_people',
  'refused',
  'stopped',
  'outcome_unknown',
  'unknown',
] as const satisfies readonly Outcome[];

const REMEDIES: Readonly<Record<Outcome, string>> = {
  sent: 'hyperrag_query of every agent finds it now.',
  already_sent: 'It was made known before.',
  no_consent: 'The person has not allowed it: twin_consent.',
  about_somebody: 'It names or is about a person, and one person is too few; it stays in the twin.',
  not_sure_enough: `Its confidence is below ${LEAST_CONFIDENCE}: it needs to be confirmed on more days.`,
  too_few_people: 'Too few people who allow it have this in common; try again in a month.',
  refused: 'HyperRAG refused it: it found personal data, or does not look for any.',
  stopped: 'It could not be sent and did not arrive; try again later.',
  outcome_unknown: 'Nobody can tell whether it arrived; elevating it again is safe.',
  unknown: 'There is no such candidate; twin://candidates lists them.',
};

export function twinElevate({ twins, privacy, elevate, send }: TwinDeps): Tool {
  return defineTool({
    name: 'twin_elevate',
    title: 'Share what is sure',
    description:
      "Makes sure knowledge of the caller's own twin known to the village by HyperRAG: only with consent, from a confidence of " +
      `${LEAST_CONFIDENCE} on, without personal data, and patterns about people only as a count with noise over enough people. Read ` +
      'twin://candidates first, show the person what would leave, then name the candidate_ids; without them all that is ready goes. ' +
      'Returns per candidate what became of it and the text that was sent.',
    input: z.strictObject({
      candidate_ids: z
        .array(
          z
            .string()
            .regex(/^[fp]_[0-9a-f]{16}$/)
            .max(BOUNDS.id),
        )
        .min(1)
        .max(MOST)
        .optional()
        .describe('From twin://candidates; a fact_id of mini_rag_query is one too'),
    }),
    output: z.object({
      elevated: z
        .array(
          z.object({
            candidate_id: z.string().max(BOUNDS.id),
            outcome: z.enum(OUTCOMES),
            meaning: z.string().max(300),
            knowledge_id: z.string().max(600).nullable(),
            content: z
              .string()
              .max(BOUNDS.content * 2)
              .nullable(),
          }),
        )
        .max(MOST),
    }),
    annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: true, openWorldHint: true },
    async handler({ candidate_ids }, { caller, signal, progress }) {
      if (send === undefined) {
        throw new AppError('UPSTREAM_UNAVAILABLE', {
          text: 'This server runs without the router, so it does not reach HyperRAG. Use the twin through the router (npm start).',
        });
      }
      const detectors = await privacy();
      const elevated = await twins.use(caller.agentId, async (twin) => {
        const ready = () => listCandidates(twin, detectors).filter(({ obstacle }) => obstacle === null);
        const ids = candidate_ids ?? ready().map(({ id }) => id);
        const results = [];
        for (const id of [...new Set(ids)].slice(0, MOST)) {
          if (signal.aborted) break;
          results.push(await elevate(twin, id, send));
          progress(results.length, ids.length);
        }
        return results;
      });
      const none = (candidate_ids ?? []).map((candidateId) => {
        return { candidateId, outcome: 'unknown', knowledgeId: null, content: null } as const;
      });
      return {
        elevated: (elevated ?? none).map(({ candidateId, outcome, knowledgeId, content }) => ({
          candidate_id: candidateId,
          outcome,
          meaning: REMEDIES[outcome],
          knowledge_id: knowledgeId,
          content,
        })),
      };
    },
  });
}
