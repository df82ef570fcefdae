/** The tool `hyperrag_memory` (H3). */
import { z } from 'zod';
import { AppError } from '../../../shared/errors.ts';
import { defineTool, type Tool } from '../../../shared/tool.ts';
import type { HyperragDeps } from '../deps.ts';
import { BOUNDS, memorySchema, namespaceSchema, tagsSchema, toMemoryView } from '../view.ts';

const MOST_MEMORIES = 200;
const MOST_DAYS = 3_650;

export function hyperragMemory({ memories }: HyperragDeps): Tool {
  return defineTool({
    name: 'hyperrag_memory',
    title: 'Remember',
    description:
      'Remembers facts across sessions. store needs content; retrieve needs query, or memory_id; update and forget need ' +
      'memory_id; list shows the newest. Memories expire after ttl_days, or as the policy knowledge.retention_days says; an update ' +
      'lets them live on. Returns the memories that were found or changed. For documents use hyperrag_ingest.',
    input: z.strictObject({
      action: z.enum(['store', 'retrieve', 'update', 'forget', 'list']),
      content: z.string().trim().min(1).max(BOUNDS.memory).optional().describe('What to remember, as a whole sentence'),
      memory_id: z.string().min(1).max(BOUNDS.id).optional(),
      query: z.string().trim().min(1).max(BOUNDS.query).optional().describe('What to look for, in plain words'),
      tags: tagsSchema.optional().describe('With retrieve and list: only memories that have all of them'),
      ttl_days: z.int().min(1).max(MOST_DAYS).optional().describe('Days it lives, instead of what the policy says'),
      limit: z.int().min(1).max(MOST_MEMORIES).default(20).describe('How many to return at most'),
      namespace: namespaceSchema,
    }),
    output: z.object({ memories: z.array(memorySchema).max(MOST_MEMORIES) }),
    annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: false, openWorldHint: false },
    async handler({ action, content, memory_id, query, tags, ttl_days, limit, namespace }, { caller }) {
      const missing = (what: string) =>
        new AppError('INVALID_PARAMS', { text: `The action ${action} needs ${what}; it came without` });
      const found = async () => {
        switch (action) {
          case 'store':
            if (content === undefined) throw missing('content');
            return [memories.store(caller, { content, tags, ttlDays: ttl_days }, namespace)];
          case 'update':
            if (memory_id === undefined) throw missing('memory_id');
            if (content === undefined && tags === undefined && ttl_days === undefined)
              throw missing('content, tags or ttl_days');
            return [memories.update(caller, memory_id, { content, tags, ttlDays: ttl_days })];
          case 'forget':
            if (memory_id === undefined) throw missing('memory_id');
            return [memories.forget(caller, memory_id)];
          case 'retrieve':
            if (memory_id !== undefined) return [memories.get(caller, memory_id)];
            if (query === undefined) throw missing('query or memory_id');
            return memories.search(caller, query, namespace, tags ?? [], limit);
          case 'list':
            return memories.list(caller, namespace, tags ?? [], limit);
        }
      };
      return { memories: (await found()).map(toMemoryView) };
    },
  });
}
