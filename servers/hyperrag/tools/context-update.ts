/** The tool `context_update` (H6). */
import { z } from 'zod';
import { AppError } from '../../../shared/errors.ts';
import { defineTool, type Tool } from '../../../shared/tool.ts';
import type { HyperragDeps } from '../deps.ts';
import { namespaceToWrite } from '../namespaces.ts';
import { BOUNDS, contextAnswer, contextValueSchema, namespaceSchema, toContextAnswer } from '../view.ts';

export function contextUpdate(deps: HyperragDeps): Tool {
  const { contexts, tokenCounter, nowMs, newId } = deps;
  return defineTool({
    name: 'context_update',
    title: 'Put into the context',
    description:
      'Puts an entry into the working context, or with context_id and version replaces one; a version that is not the newest is a ' +
      'conflict, and nothing is overwritten. The context has a budget of tokens: what is worth least by priority, age and size goes ' +
      'when it is full. Returns the entry, the totals, and the ids that had to go.',
    input: z.strictObject({
      context: contextValueSchema.describe('A text, or a JSON object'),
      source: z.string().trim().min(1).max(200).describe('Where it is from, such as "conversation" or a tool'),
      priority: z.int().min(1).max(10).default(5).describe('1 = first to go, 10 = last'),
      context_id: z.string().min(1).max(BOUNDS.id).optional().describe('To replace this entry'),
      version: z.int().min(1).max(BOUNDS.maxCount).optional().describe('The version that you read; with context_id'),
      namespace: namespaceSchema,
    }),
    output: z.object({ ...contextAnswer, pruned: z.array(z.string().max(BOUNDS.id)).max(BOUNDS.maxCount) }),
    annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: false, openWorldHint: false },
    async handler({ context, source, priority, context_id, version, namespace }, { caller }) {
      const where = namespaceToWrite(caller, namespace);
      if (context_id !== undefined && version === undefined) {
        throw new AppError('INVALID_PARAMS', { text: 'To replace an entry, give the `version` that you read with it' });
      }
      const content = JSON.stringify(context).toWellFormed();
      const given = { namespace: where, source, content, priority, tokens: await tokenCounter.count(content) };
      const { entry, pruned } =
        context_id === undefined || version === undefined
          ? contexts.add(`ctx_${newId()}`, given, nowMs())
          : contexts.update(context_id, version, given, nowMs());
      return { ...toContextAnswer(deps, where, [entry]), pruned: [...pruned] };
    },
  });
}
