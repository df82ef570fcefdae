/** Answers of read-only tools that are kept (R7): for whom, until when, and what the audit says of them. The ledger tells what ran. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { untilReady } from './lib/faults.ts';
import { RawSession, textOf } from './lib/raw-client.ts';
import { fixture, tokenFor, Village } from './lib/village.ts';

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'cache-'));
const ledger = path.join(folder, 'ledger');
let village: Village;

beforeAll(async () => {
  village = await Village.start({
    config: {
      mcpServers: {
        up: fixture('tools.ts', '--ledger', ledger),
        told: { ...fixture('tools.ts'), assertion: true },
        own: { ...fixture('tools.ts'), isolation: 'session' },
        changing: fixture('mutate.ts'),
        crash: fixture('crash.ts'),
      },
      agents: { alice: { level: 'OPERATOR' }, bob: { level: 'OPERATOR' }, carol: { level: 'COORDINATOR' } },
      permissions: [
        { match: '*__*', level: 'OPERATOR', cacheSeconds: 600 },
        { match: 'up__echo', level: 'OPERATOR' },
      ],
      router: { rateLimit: { perMinute: 1_000_000 } },
    },
  });
  await untilReady(village, 'up', 'told', 'own', 'changing', 'crash');
});
afterAll(async () => {
  await village.remove();
  fs.rmSync(folder, { recursive: true, force: true });
});

const open = (agent: string, level = 'OPERATOR') =>
  RawSession.open(village.url, tokenFor(agent, { governance_level: level }));

/** The fixture's answer holds the id that the request had there: the same id is the same answer. */
async function asked(session: RawSession, server: string, args: object, meta?: object): Promise<string> {
  return textOf(await session.call(`${server}__delay`, { ms: 0, ...args }, meta));
}

it('[R7] shows an answer again for the same arguments, however they are written, and asks for others', async () => {
  const alice = await open('alice');
  const first = await asked(alice, 'up', { text: 'a' });
  expect(await asked(alice, 'up', { text: 'a' })).toBe(first);
  const raw = await alice.post(
    '{"jsonrpc":"2.0","id":77,"method":"tools/call","params":{"arguments":{"text":"\\u0061",  "ms":0.0},"name":"up__delay"}}',
  );
  expect(JSON.parse(raw.text).result.content[0].text).toBe(first);
  expect(await asked(alice, 'up', { text: 'b' })).not.toBe(first);
});

it('[R7] C07: shares it among callers with equal rights, and with nobody else', async () => {
  const [alice, bob, carol] = [await open('alice'), await open('bob'), await open('carol', 'COORDINATOR')];
  const first = await asked(alice, 'up', { text: 'shared' });
  expect(await asked(bob, 'up', { text: 'shared' })).toBe(first);
  expect(await asked(carol, 'up', { text: 'shared' })).not.toBe(first);
});

it('[R7] C07: keeps answers apart where the server is told who calls, and keeps none of a session’s own server', async () => {
  const [alice, bob] = [await open('alice'), await open('bob')];
  const first = await asked(alice, 'told', { text: 'mine' });
  expect(await asked(alice, 'told', { text: 'mine' })).toBe(first);
  expect(await asked(bob, 'told', { text: 'mine' })).not.toBe(first);
  const own = await asked(alice, 'own', { text: 'mine' });
  expect(await asked(alice, 'own', { text: 'mine' })).not.toBe(own);
});

it('[R7] keeps nothing without a row that says so, nor with `_meta` that the server reads', async () => {
  const alice = await open('alice');
  const meta = { 'example.org/tenant': 'x' };
  const first = await asked(alice, 'up', { text: 'meta' }, meta);
  expect(await asked(alice, 'up', { text: 'meta' }, meta)).not.toBe(first);
  const echoed = async () => (await alice.call('up__echo', { text: 'e' })).result;
  expect(await echoed()).toEqual(await echoed());
  const hits = (await village.audit()).filter(({ outcome, tool }) => outcome === 'cached' && tool === 'up__echo');
  expect(hits).toEqual([]);
});

it('[R7] shows nothing from before a call that may have changed something, and runs such a call each time', async () => {
  const alice = await open('alice');
  expect(JSON.parse(textOf(await alice.call('up__get')))).toEqual([]);
  await alice.call('up__append', { key: 'one' });
  await alice.call('up__append', { key: 'one' });
  expect(JSON.parse(textOf(await alice.call('up__get')))).toEqual(['one', 'one']);
});

it('[R7] forgets what a server answered before its lists changed', async () => {
  const alice = await open('alice');
  const names = await alice.names();
  expect(names).toContain('changing__mutate');
  const first = await asked(alice, 'up', { text: 'kept' });
  await alice.call('changing__mutate', { field: 'add', times: 1 });
  // The other server's answers stay.
  expect(await asked(alice, 'up', { text: 'kept' })).toBe(first);
});

it('[R7] [D1] records each hit as one, and the chain holds', async () => {
  const alice = await open('alice');
  await asked(alice, 'up', { text: 'recorded' });
  await asked(alice, 'up', { text: 'recorded' });
  const records = (await village.audit()).filter(({ session }) => session === alice.publicId);
  expect(records.map(({ kind, outcome }) => `${String(kind)} ${String(outcome ?? '')}`.trim())).toEqual([
    'session_opened',
    'call_started',
    'call_finished ok',
    'call_finished cached',
  ]);
  expect(records.at(-1)).toMatchObject({ tool: 'up__delay', agent: 'alice', rule: '*__*', server: 'up' });
  expect((await village.cli('audit', 'verify')).code).toBe(0);
});
