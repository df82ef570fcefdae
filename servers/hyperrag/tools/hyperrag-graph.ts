/** The tool `hyperrag_graph` (H4). */
import { z } from 'zod';
import { AppError } from '../../../shared/errors.ts';
import { defineTool, type Tool } from '../../../shared/tool.ts';
import type { HyperragDeps } from '../deps.ts';
import { graphSchema, toGraphView } from '../graph-view.ts';
import { namespacesToRead } from '../namespaces.ts';
import { namespaceSchema } from '../view.ts';

export function hyperragGraph({ graph }: HyperragDeps): Tool {
  return defineTool({
    name: 'hyperrag_graph',
    title: 'Walk the knowledge graph',
    description:
      'Walks from a name (a person, a place, a thing) to the names that the texts put beside it. Use it to see what is known ' +
      'around something, or to find the link between two names; to answer a question, use hyperrag_query. Returns the names with ' +
      'their distance, the relations as the words between two names, and the passages that hold the first name.',
    input: z.strictObject({
      entity: z.string().trim().min(1).max(200).describe('The name, in any case, such as "Ada Lovelace"'),
      depth: z.int().min(1).max(3).default(1).describe('How many steps to go'),
      limit: z.int().min(1).max(200).default(50).describe('How many names and relations at most'),
      namespace: namespaceSchema,
    }),
    output: graphSchema,
    annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false },
    async handler({ entity, depth, limit, namespace }, { caller }) {
      const walk = graph.walk(entity, namespacesToRead(caller, namespace), depth, limit);
      if (walk) return toGraphView(walk);
      throw new AppError('UNKNOWN_NAME', {
        text: `Unknown entity: ${entity}. Names are found by their spelling; hyperrag_query also finds parts of them.`,
      });
    },
  });
}
