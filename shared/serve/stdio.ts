/** One server of ours on two pipes. It ends when the client closes our input or stops reading our output. */
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import { followToken, type RenewableLink } from '../client/router-link.ts';
import type { Gate } from '../request.ts';
import type { Io, Serving } from '../serve.ts';
import { openSession, type VillageServer } from '../village-server.ts';

export async function serveStdio(
  village: VillageServer,
  gate: Gate,
  { stdin, stdout }: Extract<Io, { kind: 'stdio' }>,
  link?: RenewableLink,
): Promise<Serving> {
  const { promise: closed, resolve, reject } = Promise.withResolvers<void>();
  const transport = new StdioServerTransport(stdin, stdout);
  const server = openSession(village, gate);
  if (link !== undefined) followToken(server, link);
  // The SDK's transport does not notice the end of its input, and closes by itself when a line is too long.
  transport.onclose = () => {
    village.close().then(resolve, reject);
  };
  const close = () => server.close();
  const end = () => {
    close().catch(reject);
  };
  stdin.once('end', end);
  stdin.once('close', end);
  stdout.once('error', end);
  await server.connect(transport);
  gate.log.info({ server: village.id }, 'serving over stdio');
  return {
    url: undefined,
    closed,
    async close() {
      await close();
      await closed;
    },
  };
}
