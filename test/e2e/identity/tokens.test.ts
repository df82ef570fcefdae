import crypto from 'node:crypto';
import fs from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hs256, signedWith, unsigned } from '../../fixtures/identity/setup.ts';
import { Canary, lastSeq, placesHolding, recordsAfter, recordsOnceThere, untilListed } from '../lib/oracle.ts';
import { messagesOf, RawSession } from '../lib/raw-client.ts';
import { type Claims, claims, fixture, SECRET, sign, tokenFor, Village } from '../lib/village.ts';

/** Usual is below 10 ms; the promise is 100; a loaded machine gets ten times that. */
const MAX_REFUSAL_MS = 1_000;

const rsa = crypto.generateKeyPairSync('rsa', { modulusLength: 2048 });
const ec = crypto.generateKeyPairSync('ec', { namedCurve: 'P-256' });
const ed = crypto.generateKeyPairSync('ed25519');
const attacker = crypto.generateKeyPairSync('rsa', { modulusLength: 2048 });

let fetches = 0;
const keyServer = http.createServer((_request, response) => {
  fetches++;
  const keys = [
    { ...rsa.publicKey.export({ format: 'jwk' }), kid: 'rsa', alg: 'RS256', use: 'sig' },
    { ...ec.publicKey.export({ format: 'jwk' }), kid: 'ec', alg: 'ES256', use: 'sig' },
    { ...ed.publicKey.export({ format: 'jwk' }), kid: 'ed', alg: 'EdDSA', use: 'sig' },
  ];
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ keys }));
});
const canary = new Canary();
let canaryUrl = '';
let village: Village;
let session: RawSession;
let ledger: string;
/** Pieces of every token that was refused: none of them may be found anywhere afterwards. */
const pieces = new Set<string>();
const times: number[] = [];

beforeAll(async () => {
  await new Promise<void>((resolve) => keyServer.listen(0, '127.0.0.1', resolve));
  canaryUrl = await canary.listen();
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'village-'));
  ledger = path.join(folder, 'ledger');
  village = await Village.start({
    folder,
    config: {
      mcpServers: { up: fixture('tools.ts', '--ledger', ledger) },
      permissions: [{ match: 'up/*', level: 'OPERATOR' }],
    },
    env: { MCP_JWT_JWKS: `http://127.0.0.1:${(keyServer.address() as AddressInfo).port}/jwks` },
  });
  session = await RawSession.open(village.url, tokenFor('alice'));
  await untilListed(session, 'up__append');
});
afterAll(async () => {
  console.info(
    `refusals: ${times.length}, slowest ${Math.max(...times).toFixed(1)} ms, usual ${median(times).toFixed(1)} ms`,
  );
  await village.remove();
  await canary.close();
  keyServer.close();
});

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}

const append = (key: string) => ({
  jsonrpc: '2.0',
  id: 1,
  method: 'tools/call',
  params: { name: 'up__append', arguments: { key } },
});

/** Calls with this token on alice's own session: nothing else stands against the call. */
async function expectRefused(token: string, reason?: string): Promise<void> {
  for (const piece of token.split('.').slice(1)) if (piece.length >= 16) pieces.add(piece);
  const seq = await lastSeq(village);
  const startedAt = performance.now();
  const answer = await session.post(append('refused'), { authorization: `Bearer ${token}` });
  const tookMs = performance.now() - startedAt;
  times.push(tookMs);
  expect(answer.status).toBe(401);
  expect(answer.headers['www-authenticate']).toMatch(/^Bearer error="invalid_token", resource_metadata="/);
  expect(messagesOf(answer)).toEqual([
    {
      jsonrpc: '2.0',
      id: null,
      error: { code: -32011, message: 'A valid bearer token is required', data: { reason: 'INVALID_API_KEY' } },
    },
  ]);
  expect(tookMs).toBeLessThan(MAX_REFUSAL_MS);
  const records = await recordsOnceThere(village, seq, 'auth_denied', 1);
  expect(records).toHaveLength(1);
  if (reason !== undefined) expect(records[0]?.reason).toBe(reason);
  expect(await recordsAfter(village, seq, 'call_started')).toEqual([]);
  expect(fs.existsSync(ledger)).toBe(false);
}

const good = () => claims('alice');
const pem = rsa.publicKey.export({ type: 'spki', format: 'pem' }) as string;
const ecPem = ec.publicKey.export({ type: 'spki', format: 'pem' }) as string;
const der = (key: crypto.KeyObject) => key.export({ type: 'spki', format: 'der' });
const jwk = (key: crypto.KeyObject) => JSON.stringify(key.export({ format: 'jwk' }));

it.each([
  ['HS256', () => tokenFor('alice')],
  ['RS256', () => signedWith(good(), rsa.privateKey, { alg: 'RS256', kid: 'rsa' })],
  ['ES256', () => signedWith(good(), ec.privateKey, { alg: 'ES256', kid: 'ec' })],
  ['EdDSA', () => signedWith(good(), ed.privateKey, { alg: 'EdDSA', kid: 'ed' })],
  ['EdDSA without kid', () => signedWith(good(), ed.privateKey, { alg: 'EdDSA' })],
])(
  '[A1] A02: takes a good token signed with %s, so that the others are refused for what is wrong with them',
  async (_alg, make) => {
    const answer = await session.post({ jsonrpc: '2.0', id: 1, method: 'ping' }, { authorization: `Bearer ${make()}` });
    expect(answer.status).toBe(200);
  },
);

describe('A02', () => {
  it.each(['none', 'None', 'NONE', 'nOnE', '', null])('[A1] A02: refuses alg %j without a signature', async (alg) => {
    await expectRefused(unsigned(good(), { alg, typ: 'JWT' }));
    await expectRefused(unsigned(good(), { alg, typ: 'JWT' }, 'AA'));
    await expectRefused(hs256(good(), SECRET, { alg, typ: 'JWT' }));
  });

  it.each([
    ['no alg', {}],
    ['HS384', { alg: 'HS384' }],
    ['HS512', { alg: 'HS512' }],
    ['RS512', { alg: 'RS512', kid: 'rsa' }],
    ['PS256', { alg: 'PS256', kid: 'rsa' }],
    ['ES384', { alg: 'ES384', kid: 'ec' }],
    ['hs256', { alg: 'hs256' }],
    ['HS256 and a space', { alg: 'HS256 ' }],
    ['a list', { alg: ['HS256'] }],
    ['A256KW', { alg: 'A256KW', enc: 'A256GCM' }],
  ])('[A1] A02: refuses an alg that is not ours: %s', async (_what, header) => {
    await expectRefused(hs256(good(), SECRET, header));
  });

  it.each<[string, crypto.BinaryLike]>([
    ['the PEM text', pem],
    ['the PEM text without its last line end', pem.trimEnd()],
    ['the PEM text behind a line end', `\n${pem}`],
    ['the PEM text behind a space', ` ${pem}`],
    ['the PEM text with CRLF', pem.replaceAll('\n', '\r\n')],
    ['the JWK text', jwk(rsa.publicKey)],
    ['the DER bytes', der(rsa.publicKey)],
    ['the modulus', Buffer.from(String(rsa.publicKey.export({ format: 'jwk' }).n), 'base64url')],
    ['the PEM text of the EC key', ecPem],
    ['the PEM text of the EC key behind a line end', `\n${ecPem}`],
    ['the JWK text of the EC key', jwk(ec.publicKey)],
    ['the DER bytes of the EC key', der(ec.publicKey)],
    ['the JWK text of the Ed25519 key', jwk(ed.publicKey)],
    ['the x of the Ed25519 key', Buffer.from(String(ed.publicKey.export({ format: 'jwk' }).x), 'base64url')],
    ['nothing', ''],
    ['zeros', Buffer.alloc(32)],
  ])('[A1] A02: refuses HS256 keyed with what is public: %s', async (_what, key) => {
    for (const kid of [undefined, 'rsa', 'ec', 'ed']) {
      await expectRefused(hs256(good(), key, { alg: 'HS256', ...(kid === undefined ? {} : { kid }) }), 'signature');
    }
  });

  const zeros = (bytes: number) => Buffer.alloc(bytes).toString('base64url');
  it.each([
    ['ES256 of r = s = 0', unsigned(good(), { alg: 'ES256', kid: 'ec' }, zeros(64))],
    ['ES256 of nothing', unsigned(good(), { alg: 'ES256', kid: 'ec' })],
    ['EdDSA of zeros', unsigned(good(), { alg: 'EdDSA', kid: 'ed' }, zeros(64))],
    ['RS256 of zeros', unsigned(good(), { alg: 'RS256', kid: 'rsa' }, zeros(256))],
    ['HS256 of zeros', unsigned(good(), { alg: 'HS256' }, zeros(32))],
    ['HS256 cut short', tokenFor('alice').slice(0, -4)],
    ["RS256 with the EC key's id", signedWith(good(), rsa.privateKey, { alg: 'RS256', kid: 'ec' })],
    ["ES256 with the RSA key's id", signedWith(good(), ec.privateKey, { alg: 'ES256', kid: 'rsa' })],
  ])('[A1] A02: refuses a signature of the wrong kind: %s', async (_what, token) => expectRefused(token));

  it('[A1] A02: refuses a token that brings its own key', async () => {
    const own = attacker.publicKey.export({ format: 'jwk' });
    await expectRefused(signedWith(good(), attacker.privateKey, { alg: 'RS256', jwk: own }), 'header');
    await expectRefused(signedWith(good(), attacker.privateKey, { alg: 'RS256', kid: 'rsa', jwk: own }), 'header');
    await expectRefused(signedWith(good(), rsa.privateKey, { alg: 'RS256', kid: 'rsa', jwk: own }), 'header');
  });
});

describe('A03', () => {
  const now = Math.floor(Date.now() / 1000);
  const without = (...names: string[]): Claims => Object.fromEntries(names.map((name) => [name, undefined]));
  it.each<[string, Claims, string]>([
    ['exp 61 s ago', { iat: now - 900, exp: now - 61 }, 'expired'],
    ['nbf in 61 s', { nbf: now + 61 + 60 }, 'not_yet_valid'],
    ['iat in an hour', { iat: now + 3_600, exp: now + 4_500 }, 'not_yet_valid'],
    ['no exp', without('exp'), 'claims'],
    ['exp as a string', { exp: '9999999999' }, 'claims'],
    ['exp 1e300', { exp: 1e300 }, 'claims'],
    ['exp null', { exp: null }, 'claims'],
    ['exp negative', { exp: -1 }, 'claims'],
    ['exp a fraction', { exp: now + 100.5 }, 'claims'],
    ['exp beyond the longest life', { exp: now + 10 * 365 * 86_400 }, 'lifetime'],
    ['exp before iat', { iat: now, exp: now - 10 }, 'lifetime'],
    ['no iat', without('iat'), 'claims'],
    ['iat as a string', { iat: String(now) }, 'claims'],
    ['no sub', without('sub'), 'claims'],
    ['an empty sub', { sub: '', agent_id: '' }, 'claims'],
    ['sub an object', { sub: { $ne: null } }, 'claims'],
    ['sub a list', { sub: ['alice'] }, 'claims'],
    ['sub and agent_id of two', { agent_id: 'bob' }, 'claims'],
    ['a line end in sub', { sub: 'alice\r\nbob', agent_id: 'alice\r\nbob' }, 'claims'],
    ['no jti', without('jti'), 'claims'],
    ['an empty jti', { jti: '' }, 'claims'],
    ['jti a number', { jti: 7 }, 'claims'],
    ['no role', without('role'), 'claims'],
    ['a level that there is not', { governance_level: 'KING' }, 'claims'],
    ['level 6', { governance_level: 6 }, 'claims'],
    ['permissions as a text', { permissions: 'system:full_access' }, 'claims'],
    ['another iss', { iss: 'https://issuer.example' }, 'issuer'],
    ['iss in another case', { iss: 'AIVillage' }, 'issuer'],
    ['no iss', without('iss'), 'claims'],
    ['no aud', without('aud'), 'claims'],
    ['aud []', { aud: [] }, 'claims'],
    ['aud of another service', { aud: 'billing' }, 'audience'],
    ['aud a prefix of ours', { aud: 'aivill' }, 'audience'],
    ['aud that begins with ours', { aud: 'aivillage.example.evil' }, 'audience'],
    ['aud in another case', { aud: 'AIVillage' }, 'audience'],
    ['aud and a space', { aud: 'aivillage ' }, 'audience'],
    ['aud a list of others', { aud: ['a', 'b'] }, 'audience'],
    ['aud an object', { aud: { aivillage: true } }, 'claims'],
    ['a refresh token', { type: 'refresh', family_id: 'f' }, 'type'],
    ['an ID token', { ...without('type'), nonce: 'n', auth_time: now }, 'type'],
    ['a governance-vote token', { type: 'vote' }, 'type'],
    ['an assertion', { type: 'assertion', act: { sub: 'aivillage' }, token_id: 't' }, 'type'],
    ['type a list', { type: ['access'] }, 'type'],
  ])('[A1] [A6] A03: refuses %s', async (_what, override, reason) =>
    expectRefused(tokenFor('alice', override), reason),
  );

  it('[A1] A03: refuses tokens signed by other keys', async () => {
    await expectRefused(sign(good(), 'another secret, quite as long as ours: 01234567'), 'signature');
    await expectRefused(signedWith(good(), attacker.privateKey, { alg: 'RS256', kid: 'rsa' }), 'signature');
    const others = crypto.generateKeyPairSync('ed25519');
    await expectRefused(signedWith(good(), others.privateKey, { alg: 'EdDSA', kid: 'ed' }), 'signature');
  });

  it('[A1] A03: refuses a claim that stands twice, whichever of the two is good', async () => {
    const text = JSON.stringify(good());
    await expectRefused(hs256(`{"sub":"king",${text.slice(1)}`, SECRET), 'malformed');
    await expectRefused(hs256(`${text.slice(0, -1)},"governance_level":"EMERGENCY"}`, SECRET), 'malformed');
    await expectRefused(hs256(`${text.slice(0, -1)},"\\u0065xp":9999999999}`, SECRET), 'malformed');
  });

  it.each([
    ['two parts', 'aaaa.bbbb'],
    ['four parts', `${tokenFor('alice')}.AAAA`],
    ['five parts (JWE)', 'a.b.c.d.e'],
    ['padding', `${tokenFor('alice')}=`],
    ['another spelling of the last character', respelled(tokenFor('alice'))],
    ['a payload that is no object', hs256('[]', SECRET)],
    ['a payload that is no JSON', hs256('{', SECRET)],
    ['a payload that is no UTF-8', hs256(Buffer.from([0x7b, 0xff, 0x7d]), SECRET)],
    [
      'a payload deeper than allowed',
      hs256({ ...good(), deep: JSON.parse(`${'['.repeat(50)}${']'.repeat(50)}`) }, SECRET),
    ],
  ])('[A1] A03: refuses what is no token of the one form: %s', async (_what, token) => expectRefused(token));
});

/** The same signature bytes in another base64url spelling: the last character of 32 bytes carries two bits that mean nothing. */
function respelled(token: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  const last = alphabet[alphabet.indexOf(token.at(-1)!) ^ 1]!;
  return token.slice(0, -1) + last;
}

describe('A04', () => {
  it.each([
    '../../../../dev/null',
    '/dev/null',
    '/etc/passwd',
    'file:///dev/null',
    "' UNION SELECT 'k'--",
    '__proto__',
    'constructor',
    'hasOwnProperty',
    '',
    'rsa\u0000',
    '\r\nX-Evil: 1',
    7,
    null,
    ['rsa'],
    { toString: 'rsa' },
  ])('[A1] A04: refuses kid %j, signed with nothing, zeros and our own secret', async (kid) => {
    for (const key of ['', Buffer.alloc(32), 'k']) await expectRefused(hs256(good(), key, { alg: 'HS256', kid }));
    await expectRefused(signedWith(good(), attacker.privateKey, { alg: 'RS256', kid }));
    await expectRefused(signedWith(good(), ed.privateKey, { alg: 'EdDSA', kid: `${JSON.stringify(kid)}-other` }));
  });

  it.each(['jku', 'x5u', 'jwk', 'x5c', 'crit', 'b64', 'zip'])('[A1] A04: follows no %s', async (name) => {
    const values = [`${canaryUrl}/keys.json`, [canaryUrl], { url: canaryUrl }];
    for (const value of values) {
      await expectRefused(signedWith(good(), attacker.privateKey, { alg: 'RS256', [name]: value }), 'header');
      await expectRefused(hs256(good(), SECRET, { alg: 'HS256', [name]: value }), 'header');
    }
    expect(canary.connections).toBe(0);
  });

  it('[A1] A04: looks at no address that the claims name', async () => {
    await expectRefused(tokenFor('alice', { iss: canaryUrl }), 'issuer');
    await expectRefused(
      signedWith({ ...good(), iss: `${canaryUrl}/` }, attacker.privateKey, { alg: 'RS256', kid: 'new' }),
    );
    expect(canary.connections).toBe(0);
  });

  const padded = (bytes: number) => {
    const fill = Math.max(0, Math.floor(((bytes - tokenFor('alice', { pad: '' }).length) * 3) / 4));
    return tokenFor('alice', { pad: 'p'.repeat(fill) });
  };
  it.each([
    ['8 KiB and some', 8_400, 401],
    ['15 KiB', 15_000, 401],
    ['17 KiB', 17_408, 431],
    ['64 KiB', 65_536, 431],
    ['1 MiB', 1_048_576, 431],
  ])('[A1] [S3] A04: refuses a token of %s', async (_what, bytes, status) => {
    const token = padded(bytes);
    if (status === 401) return expectRefused(token, 'too_long');
    const startedAt = performance.now();
    const answer = await session.post(append('refused'), { authorization: `Bearer ${token}` });
    expect(answer.status).toBe(431);
    expect(performance.now() - startedAt).toBeLessThan(MAX_REFUSAL_MS);
    expect(fs.existsSync(ledger)).toBe(false);
  });

  it('[A1] A04: refuses a kid of 64 KiB', async () => {
    const token = hs256(good(), SECRET, { alg: 'HS256', kid: 'k'.repeat(65_536) });
    expect((await session.post(append('refused'), { authorization: `Bearer ${token}` })).status).toBe(431);
    await expectRefused(hs256(good(), SECRET, { alg: 'HS256', kid: 'k'.repeat(4_000) }), 'header');
  });

  it('[A1] A04: ten thousand unknown key ids make it read the JWKS at most once, and keep nothing of them', async () => {
    const body = signedWith(good(), attacker.privateKey, { alg: 'RS256', kid: 'x' }).split('.');
    const agent = new http.Agent({ keepAlive: true, maxSockets: 16 });
    const { hostname, port } = new URL(village.url);
    const ask = (kid: string) =>
      new Promise<number>((resolve, reject) => {
        const header = Buffer.from(JSON.stringify({ alg: 'RS256', kid })).toString('base64url');
        const authorization = `Bearer ${header}.${body[1]}.${body[2]}`;
        http
          .get({ hostname, port, agent, path: '/api/auth/verify', headers: { authorization } }, (response) => {
            response.resume().on('end', () => resolve(response.statusCode ?? 0));
          })
          .on('error', reject);
      });
    const flood = async (from: number, to: number) => {
      const statuses = new Set<number>();
      let next = from;
      const worker = async () => {
        while (next < to) statuses.add(await ask(`unknown-${next++}`));
      };
      await Promise.all(Array.from({ length: 16 }, worker));
      return [...statuses];
    };
    const fetchesBefore = fetches;
    // The heap grows to what such requests need at a time; what they leave behind shows from then on.
    expect(await flood(0, 10_000)).toEqual([401]);
    const rssBefore = rss(village.process.pid);
    const startedAt = performance.now();
    expect(await flood(10_000, 20_000)).toEqual([401]);
    const growth = (rss(village.process.pid) - rssBefore) / 2 ** 20;
    agent.destroy();
    console.info(
      `10,000 unknown kids: ${(performance.now() - startedAt).toFixed(0)} ms, RSS ${growth.toFixed(1)} MiB more, JWKS read ${fetches - fetchesBefore} times`,
    );
    expect(fetches - fetchesBefore).toBeLessThanOrEqual(1);
    expect(growth).toBeLessThan(10);
  });
});

/** Bytes of memory that a process holds now. */
function rss(pid: number | undefined): number {
  return Number(/VmRSS:\s+(\d+) kB/.exec(fs.readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024;
}

it('[D4] A02, A03, A04: no piece of a refused token stands in log, audit or files, and the good one works as before', async () => {
  expect(pieces.size).toBeGreaterThan(50);
  expect(placesHolding(village, [...pieces])).toEqual([]);
  expect((await session.call('up__append', { key: 'good' })).result).toBeDefined();
  expect(fs.readFileSync(ledger, 'utf8')).toBe('good\n');
  expect((await village.cli('audit', 'verify')).code).toBe(0);
});
