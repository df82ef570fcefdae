import crypto from 'node:crypto';
import fs from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import v8 from 'node:v8';
import vm from 'node:vm';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createTokenVerifier, type TokenVerifier } from '../../../../shared/identity/tokens.ts';
import {
  Clock,
  expectRefused,
  goodClaims,
  hs256,
  noRevocations,
  SECRET,
  signedWith,
  temporaryFolder,
} from '../../../fixtures/identity/setup.ts';

const first = crypto.generateKeyPairSync('ed25519');
const second = crypto.generateKeyPairSync('ed25519');
const attacker = crypto.generateKeyPairSync('ed25519');

function jwk(pair: typeof first, kid: string): object {
  return { ...pair.publicKey.export({ format: 'jwk' }), kid, alg: 'EdDSA' };
}

/** A listener that counts what reaches it: connections and requests. */
interface Listener {
  url: string;
  connections: number;
  requests: number;
  answer: { status: number; body: string; headers?: Record<string, string> };
  server: http.Server;
}

async function listen(): Promise<Listener> {
  const server = http.createServer((_request, response) => {
    listener.requests++;
    response.writeHead(listener.answer.status, { connection: 'close', ...listener.answer.headers });
    response.end(listener.answer.body);
  });
  const listener: Listener = {
    url: '',
    connections: 0,
    requests: 0,
    answer: { status: 200, body: '{"keys":[]}' },
    server,
  };
  server.on('connection', () => listener.connections++);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  listener.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks`;
  return listener;
}

v8.setFlagsFromString('--expose-gc');
const collectGarbage = vm.runInNewContext('gc') as () => void;

let clock: Clock;
let keys: Listener;
let canary: Listener;
let folder: string;
beforeEach(async () => {
  clock = new Clock();
  keys = await listen();
  canary = await listen();
  keys.answer.body = JSON.stringify({ keys: [jwk(first, 'first')] });
  canary.answer.body = JSON.stringify({ keys: [jwk(attacker, 'attacker')] });
  folder = temporaryFolder();
});
afterEach(() => {
  keys.server.close();
  canary.server.close();
  fs.rmSync(folder, { recursive: true });
});

function makeVerifier(jwks: string): Promise<TokenVerifier> {
  return createTokenVerifier({
    secret: SECRET,
    jwks,
    issuer: 'aivillage',
    audience: 'aivillage',
    agents: () => undefined,
    revocations: noRevocations(),
    now: clock.now,
  });
}

let serial = 0;
const claims = () => ({ ...goodClaims(clock.seconds), jti: `t-${serial++}` });
const by = (pair: typeof first, kid: string) => signedWith(claims(), pair.privateKey, { alg: 'EdDSA', kid });

describe('A04: what a token says about keys', () => {
  it('[A1] never opens what a header points to, and never uses a key that it brings', async () => {
    const verifier = await makeVerifier(keys.url);
    await verifier.verify(by(first, 'first'));
    const own = attacker.publicKey.export({ format: 'jwk' });
    const certificate = Buffer.from('certificate').toString('base64');
    for (const extra of [
      { jku: canary.url },
      { x5u: canary.url },
      { jku: canary.url, x5u: canary.url },
      { jwk: own },
      { x5c: [certificate] },
      { jku: null },
      { crit: ['exp'] },
      { crit: ['b64'], b64: false },
    ]) {
      const header = { alg: 'EdDSA', kid: 'attacker', ...extra };
      await expectRefused(verifier, signedWith(claims(), attacker.privateKey, header), 'header');
      await expectRefused(verifier, hs256(claims(), SECRET, { alg: 'HS256', ...extra }), 'header');
    }
    const inKid = signedWith(claims(), attacker.privateKey, { alg: 'EdDSA', kid: canary.url });
    await expectRefused(verifier, inKid, 'key');
    expect(canary.connections).toBe(0);
    expect(keys.requests).toBe(1);
    const answer = await fetch(canary.url);
    expect(answer.ok).toBe(true);
    expect(canary.connections).toBe(1);
  });

  it.each([
    '../../../../dev/null',
    '/etc/passwd',
    "' UNION SELECT 'k'--",
    '__proto__',
    'constructor',
    'toString',
    '',
    '0',
    'first\u0000',
    'FIRST',
  ])('[A1] D02: kid %j finds no key', async (kid) => {
    const verifier = await makeVerifier(keys.url);
    await expectRefused(verifier, by(attacker, kid), 'key');
    const empty = signedWith(claims(), crypto.generateKeyPairSync('ed25519').privateKey, { alg: 'EdDSA', kid });
    await expectRefused(verifier, empty, 'key');
  });

  it('[A1] refuses a kid that is no string, and a token or kid that is too long', async () => {
    const verifier = await makeVerifier(keys.url);
    for (const kid of [1, null, ['first'], { kid: 'first' }, 'k'.repeat(257)]) {
      await expectRefused(verifier, signedWith(claims(), attacker.privateKey, { alg: 'EdDSA', kid }), 'header');
    }
    for (const kibibytes of [8, 15, 17, 64, 1_024]) {
      const kid = 'k'.repeat(kibibytes * 1_024);
      await expectRefused(verifier, signedWith(claims(), attacker.privateKey, { alg: 'EdDSA', kid }), 'too_long');
      await expectRefused(verifier, hs256({ ...claims(), padding: kid }), 'too_long');
    }
    expect(verifier.size).toBe(0);
  });

  it('[A1] reads the JWKS once more at most for 10,000 unknown kids in 30 s, and keeps nothing of them', async () => {
    const verifier = await makeVerifier(keys.url);
    await verifier.verify(by(first, 'first'));
    expect(keys.requests).toBe(1);
    clock.pass(30_000);
    const input = signedWith(claims(), attacker.privateKey, { alg: 'EdDSA', kid: 'x' }).split('.');
    collectGarbage();
    const before = process.memoryUsage().heapUsed;
    let refusals = 0;
    for (let i = 0; i < 10_000; i++) {
      const header = Buffer.from(JSON.stringify({ alg: 'EdDSA', kid: `unknown-${i}` })).toString('base64url');
      try {
        await verifier.verify(`${header}.${input[1]}.${input[2]}`);
      } catch {
        refusals++;
      }
      clock.pass(1);
    }
    expect(refusals).toBe(10_000);
    expect(keys.requests).toBe(2);
    expect(verifier.size).toBe(1);
    collectGarbage();
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(10 * 2 ** 20);
    expect((await verifier.verify(by(first, 'first'))).agentId).toBe('alice');
  });
});

describe('the source', () => {
  it('[A1] finds a new key after 30 s, and drops a withdrawn one within ten minutes', async () => {
    const verifier = await makeVerifier(keys.url);
    const old = by(first, 'first');
    await verifier.verify(old);
    keys.answer.body = JSON.stringify({ keys: [jwk(second, 'second')] });
    await expectRefused(verifier, by(second, 'second'), 'key');
    clock.pass(30_000);
    expect((await verifier.verify(by(second, 'second'))).agentId).toBe('alice');
    await verifier.verify(old);
    clock.pass(600_000);
    await expectRefused(verifier, old, 'key');
  });

  it('[A1] does not ask a failing address more than once in 30 s, and uses known keys for an hour meanwhile', async () => {
    const verifier = await makeVerifier(keys.url);
    keys.answer.status = 500;
    for (let i = 0; i < 20; i++) await expectRefused(verifier, by(first, 'first'), 'key');
    expect(keys.requests).toBe(1);
    keys.answer.status = 200;
    clock.pass(30_000);
    await verifier.verify(by(first, 'first'));
    keys.answer.status = 500;
    clock.pass(3_500_000);
    expect((await verifier.verify(by(first, 'first'))).agentId).toBe('alice');
    clock.pass(100_001);
    await expectRefused(verifier, by(first, 'first'), 'key');
  });

  it('[A1] follows no redirect and takes no endless answer', async () => {
    const verifier = await makeVerifier(keys.url);
    keys.answer = { status: 302, body: '', headers: { location: canary.url } };
    await expectRefused(verifier, by(attacker, 'attacker'), 'key');
    expect(keys.requests).toBe(1);
    expect(canary.connections).toBe(0);
    keys.answer = { status: 200, body: `{"keys":[]${' '.repeat(300_000)}}` };
    clock.pass(30_000);
    await expectRefused(verifier, by(attacker, 'attacker'), 'key');
    expect(keys.requests).toBe(2);
  });

  it.each([
    'http://example.com/jwks',
    'http://127.0.0.1.evil.example/',
    'http://localhost.evil/',
    'https://',
    'http://10.0.0.1/',
  ])('[A1] does not start with the address %s', async (address) => {
    await expect(makeVerifier(address)).rejects.toThrow(/must be https, or http on this machine/);
  });

  it('[A1] does not start with a file that is missing, no JSON, or holds a private or symmetric key', async () => {
    const file = path.join(folder, 'jwks.json');
    await expect(makeVerifier(file)).rejects.toThrow(/cannot be read: ENOENT/);
    fs.writeFileSync(file, '{');
    await expect(makeVerifier(file)).rejects.toThrow(/not JSON/);
    fs.writeFileSync(file, '{"keys":{}}');
    await expect(makeVerifier(file)).rejects.toThrow(/must be/);
    for (const key of [first.privateKey.export({ format: 'jwk' }), { kty: 'oct', k: 'c2VjcmV0' }]) {
      fs.writeFileSync(file, JSON.stringify({ keys: [key] }));
      await expect(makeVerifier(file)).rejects.toThrow(/private or a symmetric key/);
    }
  });

  it('[A1] asks for a kid when several keys fit', async () => {
    const file = path.join(folder, 'jwks.json');
    fs.writeFileSync(file, JSON.stringify({ keys: [jwk(first, 'first'), jwk(second, 'second')] }));
    const verifier = await makeVerifier(file);
    await expectRefused(verifier, signedWith(claims(), first.privateKey, { alg: 'EdDSA' }), 'key');
    await verifier.verify(by(second, 'second'));
  });
});
