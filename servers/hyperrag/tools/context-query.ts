/** The tool `context_query` (H6). */
import { z } from 'zod';
import { defineTool, type Tool } from '../../../shared/tool.ts';
import type { HyperragDeps } from '../deps.ts';
import { namespaceToWrite } from '../namespaces.ts';
import { contextAnswer, namespaceSchema, toContextAnswer } from '../view.ts';

export function contextQuery(deps: HyperragDeps): Tool {
  const { contexts } = deps;
  return defineTool({
    name: 'context_query',
    title: 'Search the context',
    description:
      'Finds entries of the working context by source, least priority and words, the highest priority first. Use it to load only ' +
      'what the next step needs; for long-term knowledge use hyperrag_query. Returns the entries, and the totals of the whole context.',
    input: z.strictObject({
      query: z
        .strictObject({
          source: z.string().trim().min(1).max(200).optional(),
          min_priority: z.int().min(1).max(10).optional(),
          text: z.string().trim().min(1).max(500).optional().describe('Words that the entry holds, all of them'),
        })
        .default({}),
      limit: z.int().min(1).max(1_000).default(100),
      namespace: namespaceSchema,
    }),
    output: z.object(contextAnswer),
    annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false },
    async handler({ query: { source, min_priority, text }, limit, namespace }, { caller }) {
      const where = namespaceToWrite(caller, namespace);
      const entries = contexts.list(where, { source, minPriority: min_priority, text });
      return toContextAnswer(deps, where, entries.slice(0, limit));
    },
  });
}
