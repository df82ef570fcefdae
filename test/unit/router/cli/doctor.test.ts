import fs from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { Writable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Check } from '../../../../router/cli/doctor/check.ts';
import { checkCheckpointFolder, checkClock, checkDataFolder } from '../../../../router/cli/doctor/folders.ts';
import { checkPort } from '../../../../router/cli/doctor/port.ts';
import { checkNode, checkSqlite, findCommand } from '../../../../router/cli/doctor/programs.ts';
import { doctorCommand, runChecks } from '../../../../router/cli/doctor.ts';
import { currentEnvironment, type Environment } from '../../../../shared/settings.ts';

let folder: string;
let env: Record<string, string>;
const servers: net.Server[] = [];
beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'aivillage-doctor-'));
  env = {
    PATH: currentEnvironment().PATH ?? '',
    MCP_PORT: '0',
    AIVILLAGE_DATA_DIR: path.join(folder, 'data'),
    AIVILLAGE_CONFIG: path.join(folder, 'mcp-servers.json'),
  };
  configure({ mcpServers: { x: { command: 'node' } } });
});
afterEach(async () => {
  for (const server of servers.splice(0)) await new Promise((resolve) => server.close(resolve));
  fs.rmSync(folder, { recursive: true, force: true });
});

function configure(config: object | string) {
  fs.writeFileSync(path.join(folder, 'mcp-servers.json'), typeof config === 'string' ? config : JSON.stringify(config));
}

const check = (environment: Environment = env) =>
  runChecks({ environment: () => environment, now: Date.now, nodeVersion: process.version });
const of = (checks: readonly Check[], component: string) => checks.filter((item) => item.component === component);

async function listen(server: net.Server): Promise<number> {
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

async function command(args: string[]) {
  let printed = '';
  let exitCode = 0;
  const stdout = new Writable({
    write(chunk, _, done) {
      printed += String(chunk);
      done();
    },
  });
  const setExitCode = (code: number) => {
    exitCode = code;
  };
  const io = { environment: () => env, now: Date.now, nodeVersion: process.version, stdout, setExitCode };
  await doctorCommand(io).parseAsync(args, { from: 'user' });
  return { printed, exitCode };
}

describe('aivillage doctor', () => {
  it('[X2] finds no problem on a machine that is as it should be, and leaves nothing behind', async () => {
    const before = fs.readdirSync(folder);
    const checks = await check();
    expect(checks.filter(({ status }) => status === 'problem')).toEqual([]);
    expect(new Set(checks.map(({ component }) => component))).toEqual(
      new Set([
        'node',
        'sqlite',
        'settings',
        'data folder',
        'checkpoint folder',
        'clock',
        'port',
        'configuration',
        'server x',
        'bubblewrap',
      ]),
    );
    for (const { status, remedy } of checks) expect(remedy === undefined).toBe(status === 'ok');
    expect(fs.readdirSync(folder)).toEqual(before);
  });

  it('[X2] exits with 1 and says what to do when something must be mended', async () => {
    configure('{ "mcpServers": { "x": { "comand": "node" }, "y": 1 }, }');
    const { printed, exitCode } = await command([]);
    expect(exitCode).toBe(1);
    expect(printed).toContain(
      'mcp-servers.json:1:24: mcpServers.x: expected "command" (a local server) or "url" (a remote one), got neither.',
    );
    expect(printed).toContain('mcp-servers.json:1:51: mcpServers.y: expected an object, got 1.');
    expect(printed).toMatch(
      /\n2 problems, \d warnings?, \d+ ok\nDo what stands behind each arrow, then ask again: npx aivillage doctor\n$/,
    );
  });

  it('[X2] prints JSON, and exits with 0 when nothing must be mended', async () => {
    const { printed, exitCode } = await command(['--json']);
    const report = JSON.parse(printed) as { status: string; checks: Check[] };
    expect(['ok', 'warning']).toContain(report.status);
    expect(report.checks.length).toBeGreaterThan(8);
    expect(exitCode).toBe(0);
  });

  it('[X2] checks the file that --config names', async () => {
    const other = path.join(folder, 'other.json');
    fs.writeFileSync(other, '[]');
    expect((await command(['--config', other])).printed).toContain(
      'other.json:1:1: expected an object, got an empty list.',
    );
  });

  it('[X1] tells every mistake of the environment as a finding, without secrets', async () => {
    const checks = await check({ ...env, MCP_PORT: 'x', MCP_JWT_SECRET_KEY: 'canary' });
    expect(of(checks, 'settings').map(({ finding }) => finding)).toEqual([
      'MCP_PORT: expected a port from 0 to 65535, got "x".',
      expect.stringContaining('MCP_JWT_SECRET_KEY: expected at least 32 bytes'),
    ]);
    expect(JSON.stringify(checks)).not.toContain('canary');
  });

  it('[S7] finds a certificate that cannot be read', async () => {
    const checks = await check({
      ...env,
      MCP_TLS_CERT: path.join(folder, 'none.pem'),
      MCP_TLS_KEY: env.AIVILLAGE_CONFIG,
    });
    expect(of(checks, 'MCP_TLS_CERT')).toMatchObject([{ status: 'problem', remedy: 'Correct MCP_TLS_CERT.' }]);
    expect(of(checks, 'MCP_TLS_KEY')).toMatchObject([{ status: 'ok' }]);
  });

  it('[X4] finds a data folder that is open to others, and one that is no folder', () => {
    const data = path.join(folder, 'data');
    fs.mkdirSync(data, { mode: 0o700 });
    expect(checkDataFolder(data).map(({ status }) => status)).not.toContain('problem');
    fs.chmodSync(data, 0o755);
    expect(checkDataFolder(data)[0]).toEqual({
      component: 'data folder',
      status: 'problem',
      finding: `${data} is open to other users (mode 755); it holds keys.`,
      remedy: `chmod 700 '${data}'`,
    });
    expect(checkDataFolder(path.join(folder, 'mcp-servers.json'))[0]?.finding).toMatch(/is no folder/);
  });

  it('[D2] finds checkpoints in the folder that they protect', () => {
    expect(checkCheckpointFolder(path.join(folder, 'data/c'), path.join(folder, 'data'))).toMatchObject([
      { status: 'warning' },
    ]);
    expect(checkCheckpointFolder(path.join(folder, 'data-checkpoints'), path.join(folder, 'data'))).not.toContainEqual(
      expect.objectContaining({ status: 'problem' }),
    );
  });

  it('[X2] finds a clock that went back, is years wrong, or differs from the disk', () => {
    fs.writeFileSync(path.join(folder, 'audit.db'), '');
    expect(checkClock(folder, Date.now).status).toBe('ok');
    expect(checkClock(folder, () => Date.now() - 3_600_000)).toMatchObject({
      status: 'problem',
      finding: expect.stringMatching(/in the future/),
    });
    expect(checkClock(folder, () => 0)).toMatchObject({ status: 'problem' });
    expect(checkClock(folder, () => Date.now() + 3_600_000)).toMatchObject({
      status: 'warning',
      finding: expect.stringMatching(/-3[56]\d\d s/),
    });
  });

  it('[X2] tells a port that is free, taken by another program, or by a router', async () => {
    const other = await listen(net.createServer((socket) => socket.resume().end('hello\n')));
    const router = await listen(http.createServer((_, response) => response.end('{"status":"healthy"}')));
    const at = (port: number) => checkPort({ host: '127.0.0.1', port, tls: undefined });
    expect(await at(0)).toMatchObject({ status: 'ok', finding: '127.0.0.1:0 is free.' });
    expect(await at(other)).toMatchObject({
      status: 'problem',
      finding: `127.0.0.1:${other} is in use by another program.`,
    });
    expect(await at(router)).toMatchObject({
      status: 'ok',
      finding: `a router answers on 127.0.0.1:${router} already.`,
    });
    expect(await checkPort({ host: '192.0.2.1', port: 0, tls: undefined })).toMatchObject({
      status: 'problem',
      finding: expect.stringContaining('EADDRNOTAVAIL'),
    });
  });

  it('[E05] finds servers whose command or folder is not there', async () => {
    const script = path.join(folder, 'run');
    fs.writeFileSync(script, '#!/bin/sh\n', { mode: 0o644 });
    configure({
      mcpServers: {
        fine: { command: 'node' },
        gone: { command: 'uvx' },
        plain: { command: './run' },
        lost: { command: 'node', cwd: 'nowhere' },
        off: { command: './none', disabled: true },
      },
    });
    const checks = await check({ ...env, PATH: folder });
    expect(of(checks, 'server fine')).toMatchObject([{ status: 'ok' }]);
    expect(of(checks, 'server gone')).toMatchObject([{ status: 'problem', finding: 'uvx is not found.' }]);
    expect(of(checks, 'server plain')).toMatchObject([{ status: 'problem', finding: `${script} is not found.` }]);
    expect(of(checks, 'server lost')).toMatchObject([
      { status: 'problem', remedy: 'Correct "cwd" in the configuration.' },
    ]);
    expect(of(checks, 'server off')).toEqual([]);
    fs.chmodSync(script, 0o755);
    expect(findCommand('run', { PATH: `/nowhere:${folder}` })).toBe(script);
    expect(findCommand(script, {})).toBe(script);
  });

  it('[S6] makes a missing sandbox a problem only when a server asks for one', async () => {
    const without = { ...env, PATH: folder };
    expect(of(await check(without), 'bubblewrap')).toMatchObject([{ status: 'warning' }]);
    configure({ mcpServers: { x: { command: 'node', securityProfile: { sandbox: true } } } });
    expect(of(await check(without), 'bubblewrap')).toMatchObject([
      { status: 'problem', finding: expect.stringContaining('x will be refused') },
    ]);
  });

  it('[S6] does not take a bubblewrap that cannot make a sandbox for one that can', async () => {
    fs.writeFileSync(path.join(folder, 'bwrap'), '#!/bin/sh\nexit 1\n', { mode: 0o755 });
    expect(of(await check({ ...env, PATH: folder }), 'bubblewrap')).toMatchObject([
      { status: 'warning', finding: expect.stringContaining('cannot make a sandbox (exit 1)') },
    ]);
  });

  it.each([
    ['v20.20.2', 'problem'],
    ['v22.18.0', 'problem'],
    ['v22.19.0', 'ok'],
    ['v24.0.0', 'ok'],
  ])('[X3] says of Node %s: %s', (version, status) => {
    expect(checkNode(version).status).toBe(status);
  });

  it('[X3] loads SQLite with full text search', () => {
    expect(checkSqlite()).toMatchObject({ status: 'ok', finding: expect.stringMatching(/version 3\.\d+/) });
  });
});
