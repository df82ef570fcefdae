import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { loadOrCreateSigningKey } from '../../shared/identity/signing-key.ts';
import { RawSession, send } from './lib/raw-client.ts';
import { LAUNCHER, tokenFor, Village } from './lib/village.ts';

/** A server of ours as a process of its own, behind a router that reaches it over HTTP. */
let village: Village;
let server: ReturnType<typeof spawn>;
let url: string;

beforeAll(async () => {
  village = await Village.start({ config: {} });
  const key = loadOrCreateSigningKey(path.join(village.dataDir, 'keys/assertion-key.pem')).publicKeyText;
  const env = {
    PATH: process.env.PATH,
    HOME: village.folder,
    AIVILLAGE_DATA_DIR: path.join(village.folder, 'other'),
    AIVILLAGE_ASSERTION_KEY: key,
  };
  server = spawn(process.execPath, [LAUNCHER, 'serve', 'monitoring', '--http', '0'], {
    env,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const [line] = (await once(createInterface(server.stdout!), 'line')) as [string];
  url = line.replace('ready ', '');
  village.reconfigure({
    mcpServers: { monitoring: { url, assertion: true, prefix: '' } },
    permissions: [{ match: 'monitoring/*', level: 'READ_ONLY' }],
  });
});
afterAll(async () => {
  server.kill();
  await village.remove();
});

it('[A6] shows the caller to a remote server of ours by an assertion, and that server takes nothing else', async () => {
  const session = await RawSession.open(village.url, tokenFor('alice'));
  await expect.poll(async () => session.names(), { timeout: 10_000 }).toContain('system_performance');
  const { result, error } = await session.call('system_performance', { metrics: ['memory'] });
  expect(error).toBeUndefined();
  expect(result?.isError ?? false).toBe(false);
  const direct = await send(url, {
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      authorization: `Bearer ${tokenFor('alice')}`,
    },
    body: JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'initialize',
      params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'x', version: '1' } },
    }),
  });
  expect(direct.status).toBe(401);
});
