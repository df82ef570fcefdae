/** The tool `hyperrag_gaps` (H8). */
import { z } from 'zod';
import { defineTool, type Tool } from '../../../shared/tool.ts';
import type { HyperragDeps } from '../deps.ts';
import { ownNamespace } from '../namespaces.ts';
import { ANSWERED_FROM } from '../store/questions.ts';
import { BOUNDS, isoTime, rounded } from '../view.ts';

const MOST_GAPS = 200;

export function hyperragGaps({ questions }: HyperragDeps): Tool {
  return defineTool({
    name: 'hyperrag_gaps',
    title: 'Knowledge gaps',
    description:
      `Lists the questions that you asked with hyperrag_query and that nothing answered with a confidence of ${ANSWERED_FROM} or more, ` +
      'the most asked first. Use it to decide what to ingest or to find out next; a question that is answered later leaves the list.',
    input: z.strictObject({
      limit: z.int().min(1).max(MOST_GAPS).default(20),
      min_times: z.int().min(1).max(1_000).default(1).describe('Only questions asked so often at least'),
    }),
    output: z.object({
      gaps: z
        .array(
          z.object({
            question: z.string().max(BOUNDS.query),
            times: z.int().min(1).max(BOUNDS.maxCount),
            best_confidence: z.number().min(0).max(1),
            last_asked: z.iso.datetime().max(40),
          }),
        )
        .max(MOST_GAPS),
    }),
    annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false },
    async handler({ limit, min_times }, { caller }) {
      const gaps = questions.gaps(ownNamespace(caller), min_times, limit);
      return {
        gaps: gaps.map(({ question, times, best, lastAt }) => ({
          question,
          times,
          best_confidence: rounded(best),
          last_asked: isoTime(lastAt),
        })),
      };
    },
  });
}
