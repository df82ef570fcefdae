/** A server in its sandbox (S6): what it sees, reaches and can write; and that it does not run when there can be none. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { endOf, stateOf, untilReady } from './lib/faults.ts';
import { childrenOf, isAlive, processesWith, until } from './lib/processes.ts';
import { RawSession, textOf } from './lib/raw-client.ts';
import { FIXTURES, ROOT, tokenFor, Village } from './lib/village.ts';

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'sandbox-'));
const work = path.join(folder, 'work');
const out = path.join(folder, 'out');
const secret = path.join(folder, 'secret.txt');
const probe = path.join(FIXTURES, 'probe.ts');
// The fixture and the SDK it is made with.
const readable = [FIXTURES, path.join(ROOT, 'node_modules'), fs.realpathSync(path.join(ROOT, 'node_modules')), ROOT];
let village: Village;
let session: RawSession;

beforeAll(async () => {
  for (const each of [work, out]) fs.mkdirSync(each);
  fs.writeFileSync(secret, 'not yours');
  fs.writeFileSync(path.join(work, 'mine.txt'), 'mine');
  const entry = {
    command: 'node',
    args: [probe, path.join(folder, 'mark')],
    cwd: work,
    env: { GIVEN: 'a secret of the entry' },
  };
  village = await Village.start({
    config: {
      mcpServers: {
        closed: { ...entry, securityProfile: { sandbox: { readable, writable: [out] } } },
        open: { ...entry, securityProfile: { sandbox: { readable, network: true } } },
        lacking: { ...entry, securityProfile: { sandbox: { readable: [path.join(folder, 'nowhere')] } } },
        free: entry,
      },
      agents: { alice: { level: 'OPERATOR' } },
      permissions: [{ match: '*__*', level: 'OPERATOR' }],
      // What it would not let through is what the sandbox is tried with.
      router: { screening: false },
    },
  });
  await untilReady(village, 'closed', 'open', 'free');
  session = await RawSession.open(village.url, tokenFor('alice'));
});
afterAll(async () => {
  await village.remove();
  expect(processesWith(path.join(folder, 'mark'))).toEqual([]);
  fs.rmSync(folder, { recursive: true, force: true });
});

async function tried(server: string, what: string, target: string): Promise<string> {
  return textOf(await session.call(`${server}__probe`, { what, target }));
}

it('[S6] outside a sandbox all of it is possible: the probe proves itself', async () => {
  expect(await tried('free', 'read', secret)).toBe('not yours');
  expect(await tried('free', 'connect', village.url)).toBe('connected');
  expect(await tried('free', 'write', path.join(folder, 'free.txt'))).toBe('written');
  expect(await tried('free', 'signal', String(village.process.pid))).toBe('signalled');
});

it('[S6] sees its folders and the system, and nothing else', async () => {
  expect(await tried('closed', 'read', path.join(work, 'mine.txt'))).toBe('mine');
  expect(await tried('closed', 'read', secret)).toBe('ENOENT');
  expect(await tried('closed', 'read', path.join(village.dataDir, 'router.db'))).toBe('ENOENT');
  expect(await tried('closed', 'read', '/etc/shadow')).toBe('ENOENT');
  expect(await tried('closed', 'list', os.tmpdir())).not.toContain('secret.txt');
});

it('[S6] writes to its folders and a temp folder of its own only', async () => {
  expect(await tried('closed', 'write', path.join(out, 'x.txt'))).toBe('written');
  expect(fs.readFileSync(path.join(out, 'x.txt'), 'utf8')).toBe('probe');
  expect(await tried('closed', 'write', path.join(work, 'mine.txt'))).toBe('EROFS');
  expect(await tried('closed', 'write', '/usr/probe')).toBe('EROFS');
  expect(await tried('closed', 'write', path.join(os.tmpdir(), 'probe-of-a-sandbox'))).toBe('written');
  expect(fs.existsSync(path.join(os.tmpdir(), 'probe-of-a-sandbox'))).toBe(false);
});

it('[S6] reaches no network, not even this machine’s own, unless that is allowed', async () => {
  expect(await tried('closed', 'connect', village.url)).toMatch(/^E/);
  expect(await tried('open', 'connect', village.url)).toBe('connected');
});

it('[S6] sees no process but its own, and shows its environment to nobody by its arguments', async () => {
  expect(await tried('closed', 'signal', String(village.process.pid))).toBe('ESRCH');
  expect(await tried('closed', 'env', 'GIVEN')).toBe('a secret of the entry');
  expect(processesWith('a secret of the entry')).toEqual([]);
});

it('[S6] is refused, in words, when its sandbox cannot be as asked for', async () => {
  await until('it is known', async () => (await stateOf(village, 'lacking')).state === 'waiting');
  const { problem } = await stateOf(village, 'lacking');
  expect(problem).toMatch(/is to run in a sandbox, and .*nowhere is not there\. It was not started/);
});

it('[S6] [R5] is ended with its sandbox, and started again', async () => {
  const inside = processesWith(path.join(folder, 'mark'));
  expect(await tried('closed', 'die', '')).toBe('');
  await until('another runs', async () => (await tried('closed', 'read', path.join(work, 'mine.txt'))) === 'mine');
  expect(inside.filter(isAlive).length).toBeLessThan(inside.length);
  expect(childrenOf(village.process.pid!).filter(({ isZombie }) => isZombie)).toEqual([]);
});

it('[S6] is not started at all where bubblewrap is not there', async () => {
  const bin = path.join(folder, 'bin');
  fs.mkdirSync(bin);
  fs.symlinkSync(process.execPath, path.join(bin, 'node'));
  const poor = await Village.start({
    config: {
      mcpServers: {
        closed: {
          command: 'node',
          args: [probe, path.join(folder, 'mark-of-poor')],
          securityProfile: { sandbox: true },
        },
      },
      agents: { alice: { level: 'OPERATOR' } },
      permissions: [{ match: '*__*', level: 'OPERATOR' }],
    },
    env: { PATH: bin },
  });
  try {
    await until('it is known', async () => (await stateOf(poor, 'closed')).state === 'waiting');
    expect((await stateOf(poor, 'closed')).problem).toMatch(/this machine cannot make one; "aivillage doctor" says/);
    expect(processesWith(path.join(folder, 'mark-of-poor'))).toEqual([]);
    const alice = await RawSession.open(poor.url, tokenFor('alice'));
    expect(endOf(await alice.call('closed__probe', { what: 'env', target: 'x' }))).toBe('UNAUTHORIZED_ACCESS');
    const doctor = await poor.cli('doctor');
    expect(doctor.stdout).toMatch(/bubblewrap: it is not found\. closed will be refused/);
    expect(doctor.code).toBe(1);
  } finally {
    await poor.remove();
  }
});
