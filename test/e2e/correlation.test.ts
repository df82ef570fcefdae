import fs from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { RawSession } from './lib/raw-client.ts';
import { LAUNCHER, tokenFor, Village } from './lib/village.ts';

let village: Village;

beforeAll(async () => {
  const monitoring = { command: 'node', args: [LAUNCHER, 'serve', 'monitoring'] };
  village = await Village.start({ config: { mcpServers: { monitoring } }, env: { MCP_LOG_LEVEL: 'debug' } });
});
afterAll(() => village.remove());

function linesOf(text: string): Record<string, unknown>[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

it('[X5] carries one correlation id through the router, the audit and the server that ran the call', async () => {
  const session = await RawSession.open(village.url, tokenFor('alice'));
  await session.call('system_performance', { metrics: ['memory'] });
  const [started, finished] = (await village.audit()).filter(({ tool }) => tool === 'system_performance');
  const id = started?.callId;
  expect(finished?.callId).toBe(id);
  await expect
    .poll(() => {
      const lines = linesOf(village.stderr());
      const ofServer = lines.flatMap(({ stderr }) =>
        typeof stderr === 'string' && stderr.startsWith('{') ? linesOf(stderr) : [],
      );
      return [lines, ofServer].map((some) =>
        some.filter(({ correlationId }) => correlationId === id).map(({ msg }) => msg),
      );
    })
    .toEqual([['answered'], ['called']]);
});

it('[X5] writes the same lines to a file in the data folder, for its owner alone', async () => {
  const folder = path.join(village.dataDir, 'logs');
  const files = fs.readdirSync(folder).map((name) => path.join(folder, name));
  expect(files.length).toBeGreaterThan(0);
  await expect.poll(() => files.map((file) => fs.readFileSync(file, 'utf8')).join('')).toContain('"msg":"answered"');
  for (const file of files) expect(fs.statSync(file).mode & 0o077).toBe(0);
});
