/** The tool `context_get` (H6). */
import { z } from 'zod';
import { defineTool, type Tool } from '../../../shared/tool.ts';
import type { HyperragDeps } from '../deps.ts';
import { namespaceToWrite } from '../namespaces.ts';
import { BOUNDS, contextAnswer, namespaceSchema, toContextAnswer } from '../view.ts';

export function contextGet(deps: HyperragDeps): Tool {
  const { contexts } = deps;
  return defineTool({
    name: 'context_get',
    title: 'Read the context',
    description:
      'Reads one entry of the working context by its id, or without an id the whole context, the highest priority first. Use it ' +
      'before context_update to have the newest version; to choose entries, use context_query. Returns the entries and the totals.',
    input: z.strictObject({
      context_id: z.string().min(1).max(BOUNDS.id).optional().describe('From context_update or context_query'),
      namespace: namespaceSchema,
    }),
    output: z.object(contextAnswer),
    annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false },
    async handler({ context_id, namespace }, { caller }) {
      const where = namespaceToWrite(caller, namespace);
      const entries = context_id === undefined ? contexts.list(where, {}) : [contexts.get(context_id, where)];
      return toContextAnswer(deps, where, entries);
    },
  });
}
