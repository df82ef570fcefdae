import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type Identity, openIdentity } from '../../shared/identity/open-identity.ts';
import { expectRefused, temporaryFolder } from '../fixtures/identity/setup.ts';

const program = path.join(import.meta.dirname, '../fixtures/identity/cli.ts');
let folder: string;
let identity: Identity;
beforeEach(async () => {
  folder = temporaryFolder();
  identity = await openIdentity({ dataDir: folder, agents: () => undefined });
});
afterEach(async () => {
  await identity.close();
  fs.rmSync(folder, { recursive: true });
});

interface Outcome {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** Runs a command to its end; `input` ends its standard input, `answer` replies to what it has printed so far. */
function finish(
  command: string,
  args: string[],
  answer: (soFar: string) => string | undefined,
  input?: string,
): Promise<Outcome> {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'] });
  if (input !== undefined) child.stdin.end(input);
  const seen = { stdout: '', stderr: '' };
  function listen(name: 'stdout' | 'stderr'): void {
    child[name].setEncoding('utf8').on('data', (chunk: string) => {
      seen[name] += chunk;
      const reply = answer(seen.stdout);
      if (reply !== undefined) child.stdin.write(reply);
    });
  }
  listen('stdout');
  listen('stderr');
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, ...seen })));
}

function run(args: string[], input = ''): Promise<Outcome> {
  return finish(process.execPath, [program, folder, ...args], () => undefined, input);
}

const audited = () =>
  fs
    .readFileSync(path.join(folder, 'audit.txt'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));

it('[A1] prints a token and nothing else, which revoke ends in a running router', async () => {
  const { code, stdout, stderr } = await run(['token', 'issue', '--agent', 'king', '--ttl', '1h']);
  expect([code, stdout]).toEqual([0, expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+\n$/)]);
  const caller = await identity.verifier.verify(stdout.trim());
  expect(caller).toMatchObject({ agentId: 'king', role: 'admin', level: 5 });
  expect(caller.expiresAt - Date.now() / 1000).toBeGreaterThan(3_500);
  expect(stderr).toContain(`aivillage token revoke ${caller.tokenId}`);

  expect((await run(['token', 'revoke', caller.tokenId])).code).toBe(0);
  expect(identity.revocations.poll()).toBe(true);
  await expectRefused(identity.verifier, stdout.trim(), 'revoked');
  expect(audited()).toEqual([
    { event: 'token_issued', outcome: 'allowed', agentId: 'king', tokenId: caller.tokenId },
    { event: 'token_revoked', outcome: 'allowed', tokenId: caller.tokenId },
  ]);
});

it('[A1] takes level, role and audience from the command line', async () => {
  const named = await run(['token', 'issue', '--agent', 'sage', '--level', 'governance', '--role', 'developer']);
  expect(await identity.verifier.verify(named.stdout.trim())).toMatchObject({
    agentId: 'sage',
    role: 'developer',
    level: 4,
  });
  const other = await run(['token', 'issue', '--agent', 'sage', '--audience', 'hyperrag']);
  await expectRefused(identity.verifier, other.stdout.trim(), 'audience');
});

it.each([
  [['--ttl', '2d'], /at most 86400 s/],
  [['--ttl', 'soon'], /Expected a duration such as/],
  [['--ttl', '0s'], /Expected a duration such as/],
  [['--level', '6'], /Expected one of READ_ONLY/],
  [['--role', 'root'], /Allowed choices are admin, developer, user/],
])('[X2] token issue refuses %j and says what is expected', async (options, message) => {
  const { code, stdout, stderr } = await run(['token', 'issue', '--agent', 'sage', ...options]);
  expect([code, stdout]).toEqual([1, '']);
  expect(stderr).toMatch(message);
});

it('[X4] issues nothing when others can read the secret', async () => {
  fs.chmodSync(path.join(folder, 'keys', 'jwt-secret'), 0o644);
  const { code, stdout, stderr } = await run(['token', 'issue', '--agent', 'sage']);
  expect([code, stdout]).toEqual([1, '']);
  expect(stderr).toMatch(/has rights 644, expected 600.*chmod 600/s);
});

it('[A3] adds a user whose password comes by standard input, lists and removes it with its sessions', async () => {
  expect((await run(['user', 'add', 'alice', '--role', 'developer'], 'correct horse battery\nnext line\n')).code).toBe(
    0,
  );
  const user = await identity.users.checkPassword('alice', 'correct horse battery');
  expect(user).toMatchObject({ role: 'developer', level: 2 });
  const again = await run(['user', 'add', 'alice', '--role', 'admin'], 'another password\n');
  expect([again.code, again.stderr]).toEqual([1, 'There is a user of this name already.\n']);
  expect((await run(['user', 'add', 'bob', '--role', 'user'])).stderr).toMatch(/Expected a password on the first line/);
  expect((await run(['user', 'list'])).stdout).toMatch(/^alice\tdeveloper\tOPERATOR\t\d{4}-/);
  expect(JSON.parse((await run(['user', 'list', '--json'])).stdout)).toMatchObject([
    { name: 'alice', role: 'developer' },
  ]);

  const pair = await identity.refresher.begin(user!);
  expect((await run(['user', 'remove', 'alice'])).code).toBe(0);
  identity.revocations.poll();
  await expectRefused(identity.verifier, pair.access.token, 'revoked');
  expect((await run(['user', 'remove', 'alice'])).code).toBe(1);
  expect(audited().map(({ event, agentId }) => [event, agentId])).toEqual([
    ['user_added', 'alice'],
    ['user_removed', 'alice'],
  ]);
});

/** The program on a real terminal, made by script(1) of util-linux. */
function onTerminal(args: string[], replies: [RegExp, string][]): Promise<Outcome> {
  const line = [process.execPath, program, folder, ...args].map((word) => `'${word}'`).join(' ');
  return finish('script', ['-qec', line, '/dev/null'], (soFar) => {
    if (replies[0]?.[0].test(soFar) !== true) return undefined;
    return replies.shift()![1];
  });
}

it('[A3] asks for the password twice on a terminal and shows neither', async () => {
  const { code, stdout } = await onTerminal(
    ['user', 'add', 'carol', '--role', 'user'],
    [
      [/Password: $/, 'typed in the darX\u007fk\r'],
      [/Again: $/, 'typed in the dark\r'],
    ],
  );
  expect(stdout).toContain('Added carol');
  expect(code).toBe(0);
  expect(stdout).not.toMatch(/typed|dark/);
  expect(await identity.users.checkPassword('carol', 'typed in the dark')).toMatchObject({ name: 'carol' });
});

it.each([
  ['two that differ', 'one password\r', 'other password\r', 'The two passwords differ.'],
  ['Ctrl-C', '\u0003', '', 'Cancelled.'],
  ['both lines pasted at once', 'one password\rother password\r', '', 'The two passwords differ.'],
])('[A3] adds nobody on a terminal after %s', async (_what, first, second, message) => {
  const { code, stdout } = await onTerminal(
    ['user', 'add', 'carol', '--role', 'user'],
    [
      [/Password: $/, first],
      [/Again: $/, second],
    ],
  );
  expect(stdout).toContain(message);
  expect(code).toBe(1);
  expect(identity.users.list()).toEqual([]);
});
