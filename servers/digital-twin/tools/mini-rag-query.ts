/** The tool `mini_rag_query` (T2). */
import { z } from 'zod';
import { defineTool, type Tool } from '../../../shared/tool.ts';
import type { TwinDeps } from '../deps.ts';
import { anonymised, answer } from '../question.ts';
import { FACT_KINDS } from '../store/schema.ts';
import { BOUNDS, rounded, share } from '../view.ts';

export function miniRagQuery({ twins, privacy, nowMs }: TwinDeps): Tool {
  return defineTool({
    name: 'mini_rag_query',
    title: 'Ask my twin',
    description:
      "Finds what the caller's own digital twin knows: facts, preferences and learnt patterns that fit a question in plain words, the best " +
      'first, each with the confidence of its track record. Personal data is replaced by pseudonyms (anonymized_content) unless ' +
      'anonymization_required is false (content). With min_confidence 0.8 it finds what twin_elevate could make known. For knowledge ' +
      'of the whole village use hyperrag_query.',
    input: z.strictObject({
      query: z.string().trim().min(1).max(BOUNDS.query).describe('The question, in plain words'),
      min_confidence: z.number().min(0).max(1).default(0).describe('Leave out what is less sure than this'),
      anonymization_required: z.boolean().default(true).describe('false shows names and numbers as they are'),
      top_k: z.int().min(1).max(BOUNDS.results).default(10).describe('How many results at most'),
    }),
    output: z.object({
      results: z
        .array(
          z.object({
            fact_id: z.string().max(BOUNDS.id),
            kind: z.enum([...FACT_KINDS, 'pattern']),
            content: z
              .string()
              .max(BOUNDS.content + BOUNDS.topic + 2)
              .optional(),
            anonymized_content: z
              .string()
              .max(BOUNDS.content * 2)
              .optional(),
            confidence: share,
            semantic_domain: z.string().max(BOUNDS.domain * 2),
            score: z.number().min(0).max(1_000_000),
          }),
        )
        .max(BOUNDS.results),
    }),
    annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false },
    async handler({ query, min_confidence, anonymization_required, top_k }, { caller }) {
      const detectors = anonymization_required ? await privacy() : undefined;
      const question = { text: query, limit: top_k, minConfidence: min_confidence };
      const answers = await twins.use(caller.agentId, async (twin) => {
        const found = await answer(twin, question, nowMs());
        return detectors === undefined ? found : anonymised(found, twin, detectors);
      });
      return {
        results: (answers ?? []).map(({ id, kind, content, confidence, domain, score }) => ({
          fact_id: id,
          kind,
          ...(detectors === undefined ? { content } : { anonymized_content: content }),
          confidence: rounded(confidence),
          semantic_domain: domain,
          score: rounded(score),
        })),
      };
    },
  });
}
