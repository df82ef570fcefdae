/** The tool `hyperrag_query` (H2). */
import { z } from 'zod';
import { defineTool, type Tool } from '../../../shared/tool.ts';
import type { HyperragDeps } from '../deps.ts';
import { namespacesToRead, ownNamespace } from '../namespaces.ts';
import { askerOf, BOUNDS, namespaceSchema, resultSchema, toResult } from '../view.ts';

const MOST_RESULTS = 100;

export function hyperragQuery({ knowledge, questions, nowMs }: HyperragDeps): Tool {
  return defineTool({
    name: 'hyperrag_query',
    title: 'Search the knowledge',
    description:
      'Finds passages that answer a question, in documents, memories and elevated knowledge of your own and the shared ' +
      'namespace. It follows names from passage to passage, so ask the whole question at once, in plain words: "Who directed the film ' +
      'that won …?". Returns `results`, the best first, each with the confidence that it answers and is true, its source and ' +
      'the path that led to it; below 0.4 look for other evidence.',
    input: z.strictObject({
      query: z.string().trim().min(1).max(BOUNDS.query).describe('The question, in plain words; no query syntax'),
      top_k: z.int().min(1).max(MOST_RESULTS).default(10).describe('How many results at most'),
      mode: z
        .enum(['auto', 'lexical', 'graph', 'vector'])
        .default('auto')
        .describe(
          'auto: all evidence, each where it helps; lexical: keywords; graph: and names; vector: likeness of subject',
        ),
      min_confidence: z.number().min(0).max(1).default(0).describe('Leave out what is less sure than this'),
      namespace: namespaceSchema,
    }),
    output: z.object({ results: z.array(resultSchema).max(MOST_RESULTS) }),
    annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false },
    async handler({ query, top_k, mode, min_confidence, namespace }, { caller }) {
      const found = await knowledge.search({
        query,
        limit: top_k,
        mode,
        minConfidence: 0,
        namespaces: namespacesToRead(caller, namespace),
        kinds: ['document', 'knowledge', 'memory'],
        asker: askerOf(caller),
      });
      const best = found.reduce((most, { confidence }) => Math.max(most, confidence), 0);
      if (mode === 'auto') questions.note(ownNamespace(caller), query, best, nowMs());
      return { results: found.filter(({ confidence }) => confidence >= min_confidence).map(toResult) };
    },
  });
}
