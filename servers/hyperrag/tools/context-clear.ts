/** The tool `context_clear` (H6). */
import { z } from 'zod';
import { AppError } from '../../../shared/errors.ts';
import { defineTool, type Tool } from '../../../shared/tool.ts';
import type { HyperragDeps } from '../deps.ts';
import { namespaceToWrite } from '../namespaces.ts';
import { BOUNDS, contextMetadataSchema, namespaceSchema, toContextAnswer } from '../view.ts';

export function contextClear(deps: HyperragDeps): Tool {
  const { contexts } = deps;
  return defineTool({
    name: 'context_clear',
    title: 'Clear the context',
    description:
      'Takes entries out of the working context for good: one by context_id, those of one source, or with all: true every entry. ' +
      'Use it when a task is done. Returns how many went, and the totals of what is left.',
    input: z.strictObject({
      context_id: z.string().min(1).max(BOUNDS.id).optional(),
      source: z.string().trim().min(1).max(200).optional(),
      all: z.boolean().default(false).describe('true to clear everything'),
      namespace: namespaceSchema,
    }),
    output: z.object({ cleared: z.int().min(0).max(BOUNDS.maxCount), metadata: contextMetadataSchema }),
    annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: true, openWorldHint: false },
    async handler({ context_id, source, all, namespace }, { caller }) {
      const where = namespaceToWrite(caller, namespace);
      if (context_id === undefined && source === undefined && !all) {
        throw new AppError('INVALID_PARAMS', { text: 'Say what to clear: context_id, source, or all: true' });
      }
      const cleared = contexts.clear(where, { id: context_id, source });
      return { cleared, metadata: toContextAnswer(deps, where, []).metadata };
    },
  });
}
