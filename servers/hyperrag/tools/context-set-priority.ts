/** The tool `context_set_priority` (H6). */
import { z } from 'zod';
import { defineTool, type Tool } from '../../../shared/tool.ts';
import type { HyperragDeps } from '../deps.ts';
import { namespaceToWrite } from '../namespaces.ts';
import { BOUNDS, contextAnswer, namespaceSchema, toContextAnswer } from '../view.ts';

export function contextSetPriority(deps: HyperragDeps): Tool {
  const { contexts, nowMs } = deps;
  return defineTool({
    name: 'context_set_priority',
    title: 'Set the priority of a context entry',
    description:
      'Changes how long an entry of the working context stays when the context is full, without changing its content. It also makes ' +
      'the entry new again. Returns the entry with its new version, and the totals.',
    input: z.strictObject({
      context_id: z.string().min(1).max(BOUNDS.id),
      priority: z.int().min(1).max(10).describe('1 = first to go, 10 = last'),
      version: z
        .int()
        .min(1)
        .max(BOUNDS.maxCount)
        .optional()
        .describe('When given, and not the newest: a conflict, and nothing is changed'),
      namespace: namespaceSchema,
    }),
    output: z.object(contextAnswer),
    annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: false, openWorldHint: false },
    async handler({ context_id, priority, version, namespace }, { caller }) {
      const where = namespaceToWrite(caller, namespace);
      const entry = contexts.setPriority(context_id, where, priority, version, nowMs());
      return toContextAnswer(deps, where, [entry]);
    },
  });
}
