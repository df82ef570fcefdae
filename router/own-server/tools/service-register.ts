import { z } from 'zod';
import { AppError } from '../../../shared/errors.ts';
import { LEVEL_NAMES } from '../../../shared/identity/levels.ts';
import { defineTool } from '../../../shared/tool.ts';
import type { OwnServerDeps } from '../deps.ts';
import { serviceId } from './service-schema.ts';

const text = (max: number) => z.string().min(1).max(max);

export const serviceRegister = ({ router, registry }: OwnServerDeps) =>
  defineTool({
    name: 'service_register',
    title: 'Add a server',
    description:
      'Adds an MCP server to this router at run time, or replaces one that was added so: a local command (stdio) or a remote address. Choose it when a server is needed that the configuration does not name. It is kept across restarts. Returns the id under which its tools are listed.',
    input: z.strictObject({
      id: serviceId,
      server: z
        .union([
          z.strictObject({
            command: text(4_096).describe('An allowed launcher, such as node, npx or uvx; no shell'),
            args: z.array(z.string().max(32_768)).max(256).optional(),
            env: z.record(z.string().max(256), z.string().max(32_768)).optional(),
          }),
          z.strictObject({
            url: text(8_192).describe('http or https; not of a private network'),
            headers: z.record(z.string().max(256), z.string().max(8_192)).optional(),
            type: z.enum(['streamable-http', 'sse']).optional(),
          }),
        ])
        .describe('How to reach it'),
      level: z.enum(LEVEL_NAMES).describe('The lowest level that may use its tools and prompts'),
    }),
    output: z.object({ id: z.string().max(64), registered: z.literal(true) }),
    annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: true, openWorldHint: true },
    handler: async ({ id, server, level }) => {
      if (router.catalog.server(id) !== undefined && !registry.has(id)) {
        throw new AppError('INVALID_PARAMS', { text: `${id} is a server of the configuration; choose another id` });
      }
      const rival = router.catalog.all().find((other) => other.id !== id && overlap(other.prefix, `${id}__`));
      if (rival !== undefined) {
        throw new AppError('INVALID_PARAMS', {
          text: `${id}__ and ${rival.prefix}, the prefix of ${rival.id}, would claim the same names; choose another id`,
        });
      }
      await registry.register(id, server, level);
      return { id, registered: true as const };
    },
  });

function overlap(a: string, b: string): boolean {
  return a !== '' && (a.startsWith(b) || b.startsWith(a));
}
