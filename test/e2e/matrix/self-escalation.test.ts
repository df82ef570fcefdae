/** C08: nobody raises its own rights. What changes rights or starts programs is an act of its own, with rights, reasons and votes. */
import fs from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { POST_HEADERS, RawSession, send, textOf } from '../lib/raw-client.ts';
import { FIXTURES, fixture, tokenFor, Village, type VillageConfig } from '../lib/village.ts';

const JUSTIFY = { 'io.aivillage/justification': 'needed for the test' };
const PERMISSION = 'system:manage_services';
const AGENTS = {
  king: { level: 'EMERGENCY', permissions: [PERMISSION] },
  regent: { level: 'EMERGENCY' },
  sage: { level: 'GOVERNANCE', permissions: [PERMISSION] },
  alice: { level: 'OPERATOR' },
};
type Agent = keyof typeof AGENTS;
const open = (village: Village, agent: Agent) =>
  RawSession.open(village.url, tokenFor(agent, { governance_level: AGENTS[agent].level }));

const TOOLS_FIXTURE = path.join(FIXTURES, 'tools.ts');
const GOOD = { id: 'added', server: { command: 'node', args: [TOOLS_FIXTURE] }, level: 'OPERATOR' };

const strict: VillageConfig = {
  mcpServers: { up: fixture('tools.ts') },
  agents: AGENTS,
  permissions: [{ match: 'up/*', level: 'OPERATOR' }],
};

/** Everything on disk that says who may do what. */
function rightsOnDisk(village: Village): string {
  const files = [village.configFile, path.join(village.dataDir, 'services.json')];
  return files.map((file) => (fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : '-')).join('\n');
}

describe('with the built-in rows', () => {
  let village: Village;
  beforeAll(async () => {
    village = await Village.start({ config: strict });
  });
  afterAll(() => village.remove());

  const PATHS = [
    '/api/users',
    '/api/users/alice',
    '/api/agents/alice',
    '/api/permissions',
    '/api/matrix',
    '/api/config',
    '/api/services',
    '/api/services/up',
    '/api/services/up/status',
    '/api/tokens',
    '/api/auth/verify',
    '/api/auth/users',
    '/api/auth/register',
    '/admin',
    '//admin',
    '/Admin',
    '/admin/.;/',
    '/%2e%2e/admin',
    '/api%2fusers',
    '/api/services/up%2fstatus',
    '/api/health?role=admin&role=user',
    '/api/auth/verify?governance_level=EMERGENCY&a[__proto__][isAdmin]=1',
  ];

  it('[A5] [M1] C08: no REST route changes rights, whatever method, spelling or override', {
    timeout: 60_000,
  }, async () => {
    const before = rightsOnDisk(village);
    const body = JSON.stringify({
      ...{ agent: 'alice', id: 'alice', role: 'admin', isAdmin: true, approved: true, createdBy: 'king' },
      ...{ governance_level: 'EMERGENCY', permissions: ['*'], level: 'EMERGENCY' },
    });
    const taken: string[] = [];
    for (const each of PATHS) {
      for (const method of ['POST', 'PUT', 'PATCH', 'DELETE']) {
        const headers = {
          ...POST_HEADERS,
          authorization: `Bearer ${tokenFor('alice')}`,
          'x-http-method-override': 'PATCH',
          'x-original-url': '/api/users/alice',
        };
        const { status } = await send(village.url, { method, path: each, headers, body });
        if (status < 400 || status >= 500) taken.push(`${method} ${each} → ${status}`);
      }
    }
    expect(taken).toEqual([]);
    expect(rightsOnDisk(village)).toBe(before);
    const headers = { authorization: `Bearer ${tokenFor('alice')}` };
    const who = await send(village.url, { method: 'GET', path: PATHS.at(-1)!, headers });
    expect(JSON.parse(who.text)).toMatchObject({ sub: 'alice', governance_level: 'OPERATOR', role: 'user' });
  });

  it('[A3] C08: the fields of signing in and out are those, and no more', async () => {
    const headers = { ...POST_HEADERS, authorization: `Bearer ${tokenFor('alice')}` };
    const bodies: readonly (readonly [string, object])[] = [
      ['/api/auth/login', { username: 'alice', password: 'x', role: 'admin' }],
      ['/api/auth/refresh', { refresh_token: 'x', governance_level: 'EMERGENCY' }],
      ['/api/auth/logout', { agent: 'king' }],
    ];
    for (const [route, body] of bodies) {
      const { status, text } = await send(village.url, { path: route, headers, body: JSON.stringify(body) });
      expect([route, status]).toEqual([route, 400]);
      expect(text).toContain('nothing else in it');
    }
  });

  it.each([
    ['alice', 'neither level nor permission', 'Unknown tool: service_register'],
    ['sage', 'the permission but not the level', 'Unknown tool: service_register'],
    ['regent', 'the level but not the permission', 'Unknown tool: service_register'],
  ] as const)('[R1] C08: service_register does not exist for %s, who has %s', async (agent, _, message) => {
    const session = await open(village, agent);
    expect(await session.names()).not.toContain('service_register');
    expect((await session.call('service_register', GOOD, JUSTIFY)).error).toMatchObject({ code: -32602, message });
  });

  it('[R1] C08: service_register wants a justification, then a vote, which nobody takes where no governance server runs', async () => {
    const before = rightsOnDisk(village);
    const king = await open(village, 'king');
    expect((await king.call('service_register', GOOD)).error).toMatchObject({ code: -32012 });
    for (const name of ['service_register', 'service_remove']) {
      const { error } = await king.call(name, GOOD, { ...JUSTIFY, 'io.aivillage/approval': { status: 'approved' } });
      expect(error).toMatchObject({ code: -32004, data: { reason: 'APPROVAL_REQUIRED', approval: 'major_change' } });
    }
    expect(rightsOnDisk(village)).toBe(before);
    expect(await king.names()).not.toContain('added__echo');
    const refusals = (await village.audit()).filter(
      ({ kind, tool, agent }) => kind === 'call_denied' && tool === 'service_register' && agent === 'king',
    );
    expect(refusals.map(({ kind, reason, rule }) => [kind, reason, rule])).toEqual([
      ['call_denied', 'UNAUTHORIZED_ACCESS', 'service_register'],
      ['call_denied', 'APPROVAL_REQUIRED', 'service_register'],
    ]);
  });
});

describe('with rows that the owner loosened', () => {
  const loosened: VillageConfig = {
    ...strict,
    permissions: [
      ...strict.permissions!,
      { match: 'service_register', level: 'EMERGENCY', permission: PERMISSION, justification: true },
      { match: 'service_remove', level: 'EMERGENCY', permission: PERMISSION, justification: true },
    ],
  };
  let village: Village;
  beforeAll(async () => {
    village = await Village.start({ config: loosened });
  });
  afterAll(() => village.remove());

  const register = async (more: object) => {
    const king = await open(village, 'king');
    return king.call('service_register', { ...GOOD, ...more }, JUSTIFY);
  };
  const stdio = (command: string, args: string[] = [], env?: object) => ({
    server: { command, args, ...(env === undefined ? {} : { env }) },
  });

  it.each([
    ['a shell', stdio('sh', ['-c', 'touch /tmp/pwned'])],
    ['a shell by its path', stdio('/bin/sh', ['-c', 'touch /tmp/pwned'])],
    ['any program by its path', stdio('/usr/bin/env', ['node'])],
    ['a relative path', stdio('../../bin/node')],
    ['an allowed name in another folder', stdio('/tmp/node')],
    ['a command with arguments in it', stdio('node --eval 1')],
    ['a command with a line break', stdio('node\n')],
    ['code for node', stdio('node', ['--eval', 'process.exit()'])],
    ['code for node, short', stdio('node', ['-pe', '1'])],
    ['a module that is loaded first', stdio('node', ['--import=./x.mjs', 'server.js'])],
    ['code for npx', stdio('npx', ['-y', '-c', 'touch /tmp/pwned'])],
    ['code for python', stdio('python3', ['-c', 'import os'])],
    ['NODE_OPTIONS', stdio('node', [TOOLS_FIXTURE], { NODE_OPTIONS: '--require /tmp/x.js' })],
    ['node_options', stdio('node', [TOOLS_FIXTURE], { node_options: '--require /tmp/x.js' })],
    ['LD_PRELOAD', stdio('node', [TOOLS_FIXTURE], { LD_PRELOAD: '/tmp/x.so' })],
    ['PATH', stdio('node', [TOOLS_FIXTURE], { PATH: '/tmp' })],
    ['a working folder', { server: { command: 'node', args: [], cwd: '../' } }],
    ['both transports', { server: { command: 'node', url: 'https://example.org/mcp' } }],
    ['a level that is none', { level: 'ROOT' }],
    ['a field more', { approved: true }],
    ['an id with dots', { id: '../../x' }],
    ["the router's own id", { id: 'router' }],
    ["an id of the owner's file", { id: 'up' }],
    ['a prefix within that of another', { id: 'up__x' }],
    ['the metadata address', { server: { url: 'http://169.254.169.254/latest' } }],
    ['this machine', { server: { url: 'http://127.0.0.1:1/mcp' } }],
    ['this machine in IPv6', { server: { url: 'http://[::ffff:127.0.0.1]:1/mcp' } }],
    ['this machine in octal', { server: { url: 'http://0177.0.0.1:1/mcp' } }],
    ['this machine as a number', { server: { url: 'http://2130706433:1/mcp' } }],
    ['this machine by name', { server: { url: 'http://localhost.:1/mcp' } }],
    ['a file', { server: { url: 'file:///etc/passwd' } }],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: a placeholder of the configuration
    ['a placeholder', { server: { url: 'http://127.0.0.1/${MCP_JWT_SECRET_KEY}' } }],
  ])('[R1] [S6] C08: refuses %s', async (_, more) => {
    const before = rightsOnDisk(village);
    const answer = await register(more);
    expect(answer.error !== undefined || answer.result?.isError === true).toBe(true);
    expect(rightsOnDisk(village)).toBe(before);
    expect(fs.existsSync('/tmp/pwned')).toBe(false);
    expect(JSON.stringify(answer)).not.toContain('a secret of tests');
  });

  it('[R1] [X4] C08: what is registered works, is on record, is kept over a restart, and goes when removed', {
    timeout: 60_000,
  }, async () => {
    expect((await register({})).result?.structuredContent).toEqual({ id: 'added', registered: true });
    let alice = await open(village, 'alice');
    await expect.poll(() => alice.names(), { timeout: 20_000 }).toContain('added__echo');
    expect(textOf(await alice.call('added__echo', { text: 'hello' }))).toBe('hello');

    const { folder } = village;
    await village.stop();
    village = await Village.start({ config: loosened, folder });
    alice = await open(village, 'alice');
    expect(textOf(await alice.call('added__echo', { text: 'again' }))).toBe('again');
    const explained = await alice.call('permission_explain', { tool: 'added__echo' });
    expect(explained.result?.structuredContent).toMatchObject({ decision: 'allowed' });
    expect((await village.cli('explain', '--agent', 'alice', 'added__echo')).stdout).toMatch(/^allowed\n/);

    const king = await open(village, 'king');
    expect((await king.call('service_remove', { id: 'up' }, JUSTIFY)).result?.isError).toBe(true);
    const removed = await king.call('service_remove', { id: 'added' }, JUSTIFY);
    expect(removed.result?.structuredContent).toEqual({ id: 'added', removed: true });
    expect((await alice.call('added__echo', { text: 'x' })).error).toMatchObject({ code: -32602 });
    const records = await village.audit();
    const governed = records.filter(({ tool, outcome }) => String(tool).startsWith('service_re') && outcome === 'ok');
    expect(governed.map(({ tool, agent }) => `${String(agent)} ${String(tool)}`)).toEqual([
      'king service_register',
      'king service_remove',
    ]);
    expect(records.filter(({ kind }) => kind === 'config_changed').length).toBeGreaterThanOrEqual(2);
  });

  it('[S6] C08: a registered server that the owner no longer allows is not started, and the rest serves', async () => {
    expect((await register({})).result?.structuredContent).toMatchObject({ registered: true });
    const alice = await open(village, 'alice');
    await expect.poll(() => alice.names(), { timeout: 20_000 }).toContain('added__echo');
    const up = { ...fixture('tools.ts'), command: process.execPath };
    village.reconfigure({ ...loosened, mcpServers: { up }, router: { allowedCommands: [process.execPath] } });
    await expect.poll(() => alice.names(), { timeout: 20_000 }).not.toContain('added__echo');
    expect(await alice.namesOnceThere('up__echo')).not.toContain('added__echo');
    expect(village.stderr()).toContain('no longer allowed');
  });
});
