/** F04: no call runs without a durable record, whatever keeps records from being written; and it ends with its cause. */
import fs from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { execa } from 'execa';
import { afterEach, expect, it } from 'vitest';
import { type JsonRpc, messagesOf, RawSession, send } from '../lib/raw-client.ts';
import { fixture, LAUNCHER, tokenFor, Village } from '../lib/village.ts';

let village: Village | undefined;
afterEach(() => village?.remove());

const config = {
  mcpServers: { up: { ...fixture('tools.ts'), env: { LEDGER_FILE: '' } } },
  agents: { alice: { level: 'OPERATOR' } },
  permissions: [{ match: 'up/*', level: 'OPERATOR' }],
  router: { rateLimit: { perMinute: 1_000_000 } },
};

/** A village whose upstream writes into a ledger outside the data folder. */
async function start(within: (folder: string) => readonly string[] = () => []) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'village-'));
  const ledger = path.join(folder, 'ledger.txt');
  fs.writeFileSync(ledger, '');
  const up = { ...config.mcpServers.up, env: { LEDGER_FILE: ledger } };
  village = await Village.start({ config: { ...config, mcpServers: { up } }, folder, within: within(folder) });
  const session = await RawSession.open(village.url, tokenFor('alice'));
  await session.namesOnceThere('up__append');
  return { village, session, written: () => fs.readFileSync(ledger, 'utf8').split('\n').slice(0, -1) };
}

async function health(of: Village): Promise<{ status: string; audit: string }> {
  const headers = { authorization: `Bearer ${tokenFor('alice')}` };
  return JSON.parse((await send(of.url, { method: 'GET', path: '/api/health', headers })).text);
}

const isUnavailable = ({ error }: JsonRpc) => error?.code === -32603 && error.data?.reason === 'AUDIT_UNAVAILABLE';

/** Appends until the audit refuses; gives the keys that were acknowledged and how long the refusal took. */
async function untilRefused(session: RawSession, name: string) {
  const acknowledged: string[] = [];
  for (let n = 0; n < 2_000; n++) {
    const key = `${name}-${n}`;
    const since = performance.now();
    const answer = await session.call('up__append', { key });
    if (isUnavailable(answer)) return { acknowledged, refused: key, ms: performance.now() - since, answer };
    if (answer.result === undefined) throw new Error(JSON.stringify(answer));
    acknowledged.push(key);
  }
  throw new Error('the audit never refused');
}

/** While the audit is away: nothing runs, lists answer, and health says what is the matter. */
async function expectStopped(of: Village, session: RawSession, written: () => string[]): Promise<void> {
  const before = written();
  const answers = await Promise.all(
    Array.from({ length: 30 }, (_, n) => session.call('up__append', { key: `no-${n}` })),
  );
  expect(answers.filter((answer) => !isUnavailable(answer))).toEqual([]);
  expect(written()).toEqual(before);
  expect(await session.names()).toContain('up__append');
  expect((await session.request('ping')).result).toEqual({});
  expect(await health(of)).toMatchObject({ status: 'unhealthy', audit: 'unavailable' });
  const anonymous = await send(of.url, { method: 'GET', path: '/api/health' });
  expect(JSON.parse(anonymous.text)).toEqual({ status: 'unhealthy' });
}

/** Milliseconds until a call runs again, in the same process. */
async function expectRecovered(of: Village, session: RawSession, written: () => string[]): Promise<number> {
  const since = performance.now();
  await expect
    .poll(async () => (await session.call('up__append', { key: 'after' })).result, { timeout: 50_000, interval: 50 })
    .toBeDefined();
  const tookMs = Math.round(performance.now() - since);
  expect(written().at(-1)).toBe('after');
  expect(of.process.exitCode).toBeNull();
  expect(await health(of)).toMatchObject({ status: 'healthy', audit: 'available' });
  return tookMs;
}

it('[D1] [O8] F04: a full disk stops calls with a clear error, and they go on by themselves when there is room', {
  timeout: 120_000,
}, async () => {
  // A small disk that only this router sees: as root directly, else within a user namespace.
  const asRoot = process.getuid?.() === 0 ? [] : ['--user', '--map-root-user'];
  const script = 'mkdir -p "$0" && mount -t tmpfs -o size=3m tmpfs "$0" && exec "$@"';
  const { village, session, written } = await start((folder) => [
    ...['unshare', ...asRoot, '--mount', 'sh', '-c', script, path.join(folder, 'data')],
  ]);
  // The way into its mounts.
  const dataDir = `/proc/${village.process.pid}/root${village.dataDir}`;
  expect((await session.call('up__append', { key: 'first' })).result).toBeDefined();

  const neighbour = path.join(dataDir, 'neighbour');
  fill(neighbour);
  const { acknowledged, refused, ms, answer } = await untilRefused(session, 'full');
  expect(() => fs.writeFileSync(path.join(dataDir, 'proof'), Buffer.alloc(65_536))).toThrow(/ENOSPC/);
  expect(JSON.stringify(answer)).not.toMatch(/SQLITE|ENOSPC|audit\.db|\/tmp/);
  // Either its first record failed, and it did not run, or its last one, and then it says that it ran.
  const ran = answer.error!.message.startsWith('The call ran');
  expect(written()).toEqual(['first', ...acknowledged, ...(ran ? [refused] : [])]);
  await expectStopped(village, session, written);
  expect((await verifyWithin(village)).stdout).toMatch(/^\d+ records verified\n$/);

  fs.rmSync(neighbour);
  fs.rmSync(path.join(dataDir, 'proof'), { force: true });
  const tookMs = await expectRecovered(village, session, written);
  console.info(`full disk: refused after ${Math.round(ms)} ms, calls ran again after ${tookMs} ms`);
  expect(ms).toBeLessThan(10_000);
  expect((await verifyWithin(village)).stdout).toMatch(/^\d+ records verified\n$/);
});

it('[D2] F04: without the second place calls stop, and go on when it is there again', { timeout: 90_000 }, async () => {
  const { village, session, written } = await start();
  const away = `${village.checkpointDir}-away`;
  fs.renameSync(village.checkpointDir, away);
  fs.writeFileSync(village.checkpointDir, 'no folder');
  await untilRefused(session, 'gone');
  await expectStopped(village, session, written);
  fs.rmSync(village.checkpointDir);
  fs.renameSync(away, village.checkpointDir);
  const tookMs = await expectRecovered(village, session, written);
  console.info(`second place: calls ran again after ${tookMs} ms`);
  expect((await village.cli('audit', 'verify')).stdout).toMatch(/^\d+ records verified\n$/);
  expect((await village.audit()).filter(({ kind }) => kind === 'audit_resumed')).toHaveLength(1);
});

it('[D1] F04: when no file can be opened any more nothing runs unrecorded, and all is well when some are free', {
  timeout: 90_000,
}, async () => {
  const LIMIT = 90;
  const { village, session, written } = await start(() => ['prlimit', `--nofile=${LIMIT}:${LIMIT}`]);
  const { hostname, port } = new URL(village.url);
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  const kept = keptOpen(village.url, session, agent);
  expect((await kept('before')).result).toBeDefined();
  const sockets: net.Socket[] = [];
  const openFiles = () => fs.readdirSync(`/proc/${village.process.pid}/fd`).length;
  for (let n = 0; n < 2 * LIMIT; n++) sockets.push(net.connect(Number(port), hostname).on('error', () => {}));
  await expect.poll(openFiles, { timeout: 20_000 }).toBeGreaterThanOrEqual(LIMIT - 2);

  const acknowledged = ['before'];
  const uncertain: string[] = [];
  for (let n = 0; n < 60; n++) {
    const answer = await kept(`starved-${n}`);
    if (answer.result !== undefined) acknowledged.push(`starved-${n}`);
    else {
      expect(isUnavailable(answer)).toBe(true);
      if (answer.error!.message.startsWith('The call ran')) uncertain.push(`starved-${n}`);
    }
  }
  expect(written().filter((key) => !uncertain.includes(key))).toEqual(acknowledged);

  for (const socket of sockets) socket.destroy();
  agent.destroy();
  await expect.poll(openFiles, { timeout: 30_000 }).toBeLessThan(LIMIT - 20);
  const tookMs = await expectRecovered(village, session, written);
  console.info(`no files: ${acknowledged.length - 1} of 60 calls ran, recorded; all again after ${tookMs} ms`);
  expect((await village.cli('audit', 'verify')).stdout).toMatch(/^\d+ records verified\n$/);
  const started = (await village.audit()).filter(({ kind, tool }) => kind === 'call_started' && tool === 'up__append');
  expect(started.length).toBeGreaterThanOrEqual(written().length);
});

/** `aivillage audit verify` where the router's own disk is seen. */
function verifyWithin({ process: { pid }, env }: Village): Promise<{ stdout: string }> {
  const user = process.getuid?.() === 0 ? [] : ['--user', '--preserve-credentials'];
  const command = [process.execPath, LAUNCHER, 'audit', 'verify'];
  return execa('nsenter', ['--target', `${pid}`, '--mount', ...user, ...command], {
    env,
    reject: false,
    stripFinalNewline: false,
  });
}

/** Appends over one connection that stays open. */
function keptOpen(url: string, session: RawSession, agent: http.Agent): (key: string) => Promise<JsonRpc> {
  let id = 10_000;
  return (key) =>
    new Promise((resolve, reject) => {
      const request = http.request(`${url}/mcp`, { method: 'POST', headers: session.headers, agent }, (response) => {
        const parts: Buffer[] = [];
        response.on('data', (part: Buffer) => parts.push(part));
        response.on('end', () => {
          const body = Buffer.concat(parts);
          const answer = { status: 200, headers: response.headers, body, text: body.toString() };
          resolve(messagesOf(answer).find((message) => message.method === undefined)!);
        });
      });
      request.on('error', reject);
      const params = { name: 'up__append', arguments: { key } };
      request.end(JSON.stringify({ jsonrpc: '2.0', id: id++, method: 'tools/call', params }));
    });
}

/** Writes until the disk is full. */
function fill(file: string): void {
  const handle = fs.openSync(file, 'w');
  try {
    for (;;) fs.writeSync(handle, Buffer.alloc(4_096));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
  } finally {
    fs.closeSync(handle);
  }
}
