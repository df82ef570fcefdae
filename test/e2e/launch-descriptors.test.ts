/** D01: what callers send never becomes a command, and what starts a program is changed by a vote only. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { untilReady } from './lib/faults.ts';
import { approvalOf, type Governed, startGoverned, until, untilStatus, vote } from './lib/governed.ts';
import { RawSession, textOf } from './lib/raw-client.ts';
import { FIXTURES, fixture, tokenFor, Village } from './lib/village.ts';

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'launch-'));
const pwned = path.join(folder, 'pwned');
const TOOLS = path.join(FIXTURES, 'tools.ts');
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));

const HOSTILE = [
  `; touch ${pwned}`,
  `$(touch ${pwned})`,
  `\`touch ${pwned}\``,
  `| touch ${pwned} #`,
  `&& touch ${pwned}`,
  `\n touch ${pwned}\n`,
  `'; touch ${pwned}; '`,
  `" & touch ${pwned} & "`,
  '../../etc/passwd',
  '--config=/etc/shadow',
  '-c',
  '%0a%0dtouch',
  '$HOME ~ * ?',
  'a b  c\t',
];

describe('what callers and the configuration say', () => {
  let village: Village;
  let session: RawSession;
  beforeAll(async () => {
    village = await Village.start({
      config: {
        mcpServers: { up: fixture('tools.ts'), probe: fixture('probe.ts', ...HOSTILE) },
        agents: { alice: { level: 'OPERATOR' } },
        permissions: [{ match: '*__*', level: 'OPERATOR' }],
        // What it starts and passes on is hostile on purpose.
        router: { rateLimit: { perMinute: 1_000_000 }, screening: false },
      },
    });
    session = await RawSession.open(village.url, tokenFor('alice'));
  });
  afterAll(() => village.remove());

  it('[S6] [P5] D01: arguments reach the server as they are, and no shell', async () => {
    await untilReady(village, 'up', 'probe');
    for (const text of HOSTILE) expect(textOf(await session.call('up__echo', { text }))).toBe(text);
    for (const name of HOSTILE) expect((await session.call(name, {})).error).toMatchObject({ code: -32602 });
    expect(fs.existsSync(pwned)).toBe(false);
  });

  it('[S6] D01: so do the arguments of the entry', async () => {
    const given = textOf(await session.call('probe__probe', { what: 'argv', target: '' }));
    expect(JSON.parse(given)).toEqual(HOSTILE);
    expect(fs.existsSync(pwned)).toBe(false);
  });
});

describe('what starts a program', () => {
  let governed: Governed;
  beforeAll(async () => {
    governed = await startGoverned();
  });
  afterAll(() => governed.remove());

  const justify = { 'io.aivillage/justification': 'needed for the test' };
  const registered = () => {
    const file = path.join(governed.village.dataDir, 'services.json');
    return fs.existsSync(file)
      ? (JSON.parse(fs.readFileSync(file, 'utf8')) as Record<string, { server: { args: string[] } }>)
      : {};
  };
  const entry = (...args: string[]) => ({
    id: 'added',
    server: { command: 'node', args: [TOOLS, '--ledger', ...args] },
    level: 'OPERATOR',
  });

  it('[R1] [S6] D01: is put to the vote when it is new, again when it changes, and each is on record', {
    timeout: 60_000,
  }, async () => {
    const king = await governed.as('king');
    const ask = (args: object) => king.call('service_register', args, justify);
    const approve = async (args: object) => {
      const { proposalId } = approvalOf(await ask(args));
      for (const voter of ['sage', 'curator'] as const) await vote(await governed.as(voter), proposalId);
      await untilStatus(king, proposalId, 'executed');
    };
    expect(approvalOf(await ask(entry('first'))).status).toBe('voting_ongoing');
    expect(registered()).toEqual({});
    await approve(entry('first'));
    expect(registered().added?.server.args).toEqual([TOOLS, '--ledger', 'first']);
    // The vote on the first says nothing of the second: other arguments, another environment, another kind of server.
    for (const changed of [
      entry('second'),
      { ...entry('first'), server: { ...entry('first').server, env: { MODE: 'x' } } },
      { ...entry('first'), server: { url: 'https://example.org/mcp' } },
      { ...entry('first'), level: 'READ_ONLY' },
    ]) {
      expect(approvalOf(await ask(changed)).status).toBe('voting_ongoing');
      expect(registered().added?.server.args).toEqual([TOOLS, '--ledger', 'first']);
    }
    await approve(entry('second'));
    await until('the new one is in force', () => registered().added?.server.args[2] === 'second');
    const records = (await governed.village.audit()).filter(({ tool }) => tool === 'service_register');
    expect(records.filter(({ outcome }) => outcome === 'ok')).toHaveLength(2);
    expect(records.filter(({ kind }) => kind === 'proposal').length).toBeGreaterThanOrEqual(6);
  });
});
