import { z } from 'zod';
import { defineTool } from '../../../shared/tool.ts';
import { searchTools } from '../../tools/search.ts';
import type { OwnServerDeps } from '../deps.ts';
import { type Found, foundTools, sessionOf } from './asking-session.ts';

export const toolSearch = ({ router }: OwnServerDeps) =>
  defineTool({
    name: 'tool_search',
    title: 'Find tools',
    description:
      'Finds tools of this router by what they do, among all that you may use. Choose it first when no tool at hand fits. Returns the best with their descriptions and arguments; tool_load puts those that you want on your list.',
    input: z.strictObject({
      query: z.string().min(1).max(1_000).describe('What the tool should do, in a few words'),
      limit: z.number().int().min(1).max(50).default(8),
      server: z.string().min(1).max(64).optional().describe('Of this server only'),
    }),
    output: z.object({
      tools: z
        .array(
          z.object({
            name: z.string().max(200),
            title: z.string().max(500),
            description: z.string().max(1_000),
            server: z.string().max(64),
            read_only: z.boolean(),
            input_schema: z.string().max(4_000).describe('JSON Schema as a text; cut where it is longer'),
            score: z.number().min(0).max(1),
          }),
        )
        .max(50),
      searched: z.number().int().min(0).max(1_000_000),
    }),
    annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false },
    handler: async ({ query, limit, server }, { caller, correlationId }) => {
      const session = sessionOf(router, caller, correlationId);
      const all = foundTools(router, caller, session?.endpoint);
      const among = server === undefined ? all : all.filter(({ entry }) => entry.server.id === server);
      return {
        tools: searchTools(among, query, limit).map(({ tool, score }) => shown(tool, score)),
        searched: among.length,
      };
    },
  });

function shown({ name, title, description, entry, inputSchema }: Found, score: number) {
  return {
    name: name.slice(0, 200),
    title: title.slice(0, 500),
    description: description.slice(0, 1_000),
    server: entry.server.id,
    read_only: entry.item.readOnly,
    input_schema: JSON.stringify(inputSchema ?? {}).slice(0, 4_000),
    score,
  };
}
