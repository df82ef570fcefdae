import { PassThrough } from 'node:stream';
import { expect, it } from 'vitest';
import { createRouterLink, TOKEN_NOTIFICATION } from '../../shared/client/router-link.ts';
import { serve } from '../../shared/serve.ts';
import type { VillageServer } from '../../shared/village-server.ts';
import { silent } from '../contract/ways.ts';
import { testAuthorize, testIdentity } from '../fixtures/lib/identity.ts';

const village: VillageServer = {
  id: 'test',
  title: 'Test',
  version: '1',
  instructions: '',
  tools: [],
  resources: [],
  prompts: [],
  close: async () => {},
};

it.each([
  [true, 'newer'],
  [false, 'first'],
])(
  '[A6] a server takes newer tokens by the pipe that started it, when the router did: %s',
  async (isBehindRouter, expected) => {
    const link = createRouterLink({ url: 'http://127.0.0.1:1/mcp', token: 'first' });
    const [stdin, stdout] = [new PassThrough(), new PassThrough()];
    const serving = await serve({
      id: 'test',
      createServer: () => village,
      io: { kind: 'stdio', stdin, stdout },
      identity: testIdentity,
      authorize: testAuthorize,
      isBehindRouter,
      link,
      log: silent,
    });
    const answered = new Promise((resolve) => stdout.once('data', resolve));
    stdin.write(`${JSON.stringify({ jsonrpc: '2.0', method: TOKEN_NOTIFICATION, params: { token: 'newer' } })}\n`);
    stdin.write(`${JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'ping' })}\n`);
    await answered;
    expect(link.token()).toBe(expected);
    await serving.close();
  },
);
