import crypto, { type KeyObject } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { LEVELS, type Level } from '../../../../shared/identity/levels.ts';
import type { RefusalReason } from '../../../../shared/identity/refusal.ts';
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
  unsigned,
} from '../../../fixtures/identity/setup.ts';

const pairs = {
  RS256: crypto.generateKeyPairSync('rsa', { modulusLength: 2048 }),
  ES256: crypto.generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  EdDSA: crypto.generateKeyPairSync('ed25519'),
};
type Algorithm = keyof typeof pairs;
const algorithms = Object.keys(pairs) as Algorithm[];

let folder: string;
let jwks: string;
beforeAll(() => {
  folder = temporaryFolder();
  jwks = path.join(folder, 'jwks.json');
  const keys = algorithms.map((alg) => ({ ...pairs[alg].publicKey.export({ format: 'jwk' }), kid: alg, use: 'sig' }));
  fs.writeFileSync(jwks, JSON.stringify({ keys }));
});
afterAll(() => fs.rmSync(folder, { recursive: true }));

let clock: Clock;
let revocations: ReturnType<typeof noRevocations>;
let verifier: TokenVerifier;
const agents = new Map<string, Level>([['king', LEVELS.EMERGENCY]]);
async function makeVerifier(keys: { secret?: Uint8Array; jwks?: string }): Promise<TokenVerifier> {
  return createTokenVerifier({
    ...keys,
    issuer: 'aivillage',
    audience: 'aivillage',
    agents: (agentId) => {
      const level = agents.get(agentId);
      return level === undefined ? undefined : { level };
    },
    revocations,
    now: clock.now,
  });
}
beforeEach(async () => {
  clock = new Clock();
  revocations = noRevocations();
  verifier = await makeVerifier({ secret: SECRET, jwks });
});

const claims = (changes: Record<string, unknown> = {}) => ({ ...goodClaims(clock.seconds), ...changes });
/** Without one claim. */
const without = (name: string) => claims({ [name]: undefined });

describe('accepted', () => {
  it('[A1] gives the caller that a signed token names, with the permissions of its role', async () => {
    const caller = await verifier.verify(hs256(claims()));
    expect(caller).toMatchObject({
      agentId: 'alice',
      role: 'developer',
      level: LEVELS.OPERATOR,
      tokenId: 'token-1',
      expiresAt: clock.seconds + 900,
    });
    expect(caller.permissions).toEqual(expect.arrayContaining(['extra:thing', 'fog:*']));
  });

  it.each(algorithms)('[A1] verifies %s with the key of the JWKS that kid names', async (alg) => {
    const token = signedWith(claims(), pairs[alg].privateKey, { alg, kid: alg, typ: 'at+jwt' });
    expect((await verifier.verify(token)).agentId).toBe('alice');
    const noKid = signedWith(claims(), pairs[alg].privateKey, { alg });
    expect((await verifier.verify(noKid)).agentId).toBe('alice');
  });

  it('[A1] takes an audience list that holds ours, and unknown claims', async () => {
    const token = hs256(claims({ aud: ['other', 'aivillage'], azp: 'x', nested: { deep: [1] } }));
    expect((await verifier.verify(token)).agentId).toBe('alice');
  });

  it.each([
    ['alice', 'GOVERNANCE', LEVELS.GOVERNANCE],
    ['alice', 3, LEVELS.COORDINATOR],
    ['king', undefined, LEVELS.EMERGENCY],
    ['king', 'READ_ONLY', LEVELS.READ_ONLY],
    ['nobody', undefined, LEVELS.READ_ONLY],
    ['__proto__', undefined, LEVELS.READ_ONLY],
    ['constructor', undefined, LEVELS.READ_ONLY],
  ])('[A5] D03: %s with level %s in the token has level %s', async (sub, level, expected) => {
    const token = hs256(claims({ sub, agent_id: sub, governance_level: level }));
    expect(await verifier.verify(token)).toMatchObject({ agentId: sub, level: expected });
  });

  it('[A1] allows clocks to differ by 30 s', async () => {
    const late = claims({ iat: clock.seconds - 900, exp: clock.seconds - 29 });
    await expect(verifier.verify(hs256(late))).resolves.toBeDefined();
    const ahead = { iat: clock.seconds + 30, nbf: clock.seconds + 30, jti: 'ahead' };
    await expect(verifier.verify(hs256(claims(ahead)))).resolves.toBeDefined();
  });
});

describe('A02: algorithm confusion', () => {
  it.each(['none', 'None', 'nOnE', '', null, undefined, 1, ['HS256'], { alg: 'HS256' }])(
    '[A1] refuses alg %j',
    async (alg) => {
      await expectRefused(verifier, unsigned(claims(), { alg }), 'malformed');
      const withText = unsigned(claims(), { alg }, 'AAAA');
      await expectRefused(verifier, withText, typeof alg === 'string' ? 'algorithm' : 'header');
    },
  );

  it.each(['HS384', 'HS512', 'RS384', 'PS256', 'ES384', 'hs256', 'HS256 ', 'Ed25519', 'dir'])(
    '[A1] refuses alg %s, which is not configured',
    async (alg) => expectRefused(verifier, hs256(claims(), SECRET, { alg }), 'algorithm'),
  );

  const spellings = (key: KeyObject): [string, string | Buffer][] => {
    const pem = key.export({ type: 'spki', format: 'pem' }).toString();
    const jwk = JSON.stringify(key.export({ format: 'jwk' }));
    const der = key.export({ type: 'spki', format: 'der' });
    return [
      ['PEM', pem],
      ['PEM, newline first', `\n${pem}`],
      ['PEM, space first', ` ${pem}`],
      ['PEM, trimmed', pem.trim()],
      ['JWK text', jwk],
      ['DER', der],
    ];
  };
  const confused = algorithms.flatMap((alg) =>
    spellings(pairs[alg].publicKey).map(([how, key]) => ({ alg, how, key })),
  );
  it.each(confused)('[A1] refuses HS256 under the public $alg key as $how', async ({ alg, key }) => {
    const token = hs256(claims(), key, { alg: 'HS256', kid: alg });
    await expectRefused(verifier, token, 'signature');
    const keysOnly = await makeVerifier({ jwks });
    await expectRefused(keysOnly, token, 'algorithm');
  });

  it('[A1] refuses a public-key algorithm when only a secret is configured', async () => {
    const secretOnly = await makeVerifier({ secret: SECRET });
    await expectRefused(secretOnly, signedWith(claims(), pairs.EdDSA.privateKey, { alg: 'EdDSA' }), 'algorithm');
  });

  it('[A1] refuses ES256 with r and s zero, and the secret used as another algorithm', async () => {
    const zero = Buffer.alloc(64).toString('base64url');
    await expectRefused(verifier, unsigned(claims(), { alg: 'ES256', kid: 'ES256' }, zero), 'signature');
    await expectRefused(verifier, hs256(claims(), SECRET, { alg: 'RS256', kid: 'RS256' }), 'signature');
  });

  it('[A1] refuses a kid whose key is of another kind than alg', async () => {
    await expectRefused(verifier, signedWith(claims(), pairs.ES256.privateKey, { alg: 'ES256', kid: 'RS256' }), 'key');
  });

  it('[A1] refuses a header that stands twice or is no object', async () => {
    await expectRefused(verifier, hs256(claims(), SECRET, '{"alg":"none","alg":"HS256"}'), 'malformed');
    await expectRefused(verifier, hs256(claims(), SECRET, '{"alg":"HS256","\\u0061lg":"none"}'), 'malformed');
    for (const header of ['[]', '"HS256"', 'null', '', '{', '{"alg":"HS256"} x']) {
      await expectRefused(verifier, hs256(claims(), SECRET, header), 'malformed');
    }
  });

  it('[A1] refuses every token after the first spelling of one signature', async () => {
    const token = hs256(claims());
    const last = token.at(-1)!;
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    const twin = token.slice(0, -1) + alphabet[alphabet.indexOf(last) ^ 1];
    expect(Buffer.from(twin.split('.')[2]!, 'base64url')).toEqual(Buffer.from(token.split('.')[2]!, 'base64url'));
    await expectRefused(verifier, twin, 'malformed');
    for (const spelled of [`${token}=`, `${token}\n`, ` ${token}`, `${token}.`, token.replace('.', '..')]) {
      await expectRefused(verifier, spelled, 'malformed');
    }
  });
});

describe('A03: key, time, audience, issuer, claims, class', () => {
  const table: [string, () => Record<string, unknown>, RefusalReason][] = [
    ['exp 61 s ago', () => claims({ iat: clock.seconds - 900, nbf: undefined, exp: clock.seconds - 61 }), 'expired'],
    ['exp 30 s ago', () => claims({ iat: clock.seconds - 900, nbf: undefined, exp: clock.seconds - 30 }), 'expired'],
    ['nbf in 61 s', () => claims({ nbf: clock.seconds + 61 }), 'not_yet_valid'],
    [
      'iat in an hour',
      () => claims({ iat: clock.seconds + 3600, nbf: undefined, exp: clock.seconds + 4000 }),
      'not_yet_valid',
    ],
    ['exp before iat', () => claims({ exp: clock.seconds - 1 }), 'lifetime'],
    ['exp equal to iat', () => claims({ exp: clock.seconds }), 'lifetime'],
    ['a life over a day', () => claims({ exp: clock.seconds + 86_401 }), 'lifetime'],
    ['exp missing', () => without('exp'), 'claims'],
    ['exp as text', () => claims({ exp: '9999999999' }), 'claims'],
    ['exp null', () => claims({ exp: null }), 'claims'],
    ['exp with a fraction', () => claims({ exp: clock.seconds + 0.5 }), 'claims'],
    ['exp negative', () => claims({ exp: -1 }), 'claims'],
    ['exp 1e300', () => claims({ exp: 1e300 }), 'claims'],
    ['iat missing', () => without('iat'), 'claims'],
    ['iat as text', () => claims({ iat: String(clock.seconds) }), 'claims'],
    ['nbf as text', () => claims({ nbf: 'now' }), 'claims'],
    ['sub missing', () => without('sub'), 'claims'],
    ['sub empty', () => claims({ sub: '', agent_id: '' }), 'claims'],
    ['sub an object', () => claims({ sub: { toString: 'king' }, agent_id: undefined }), 'claims'],
    ['sub a number', () => claims({ sub: 7, agent_id: undefined }), 'claims'],
    ['sub a list', () => claims({ sub: ['king'], agent_id: undefined }), 'claims'],
    ['sub with a line break', () => claims({ sub: 'a\nb', agent_id: 'a\nb' }), 'claims'],
    ['sub with NUL', () => claims({ sub: 'a\u0000', agent_id: 'a\u0000' }), 'claims'],
    ['sub with a bidi override', () => claims({ sub: 'a\u202eb', agent_id: 'a\u202eb' }), 'claims'],
    ['sub with U+2028', () => claims({ sub: 'a\u2028b', agent_id: 'a\u2028b' }), 'claims'],
    ['sub of 257 characters', () => claims({ sub: 'a'.repeat(257), agent_id: undefined }), 'claims'],
    ['agent_id of another', () => claims({ agent_id: 'king' }), 'claims'],
    ['agent_id null', () => claims({ agent_id: null }), 'claims'],
    ['jti missing', () => without('jti'), 'claims'],
    ['jti empty', () => claims({ jti: '' }), 'claims'],
    ['jti a number', () => claims({ jti: 1 }), 'claims'],
    ['iss wrong', () => claims({ iss: 'elsewhere' }), 'issuer'],
    ['iss in another case', () => claims({ iss: 'AIVillage' }), 'issuer'],
    ['iss a list', () => claims({ iss: ['aivillage'] }), 'claims'],
    ['iss missing', () => without('iss'), 'claims'],
    ['aud missing', () => without('aud'), 'claims'],
    ['aud empty list', () => claims({ aud: [] }), 'claims'],
    ['aud of another service', () => claims({ aud: 'other' }), 'audience'],
    ['aud a prefix', () => claims({ aud: 'aivill' }), 'audience'],
    ['aud a superstring', () => claims({ aud: 'aivillage.evil' }), 'audience'],
    ['aud with a slash', () => claims({ aud: 'aivillage/' }), 'audience'],
    ['aud in another case', () => claims({ aud: 'AIVILLAGE' }), 'audience'],
    ['aud list without ours', () => claims({ aud: ['other', 'aivillage2'] }), 'audience'],
    ['aud list with a number', () => claims({ aud: ['aivillage', 1] }), 'claims'],
    ['aud an object', () => claims({ aud: { aivillage: true } }), 'claims'],
    ['a refresh token', () => claims({ type: 'refresh', family_id: 'f' }), 'type'],
    ['an ID token', () => claims({ type: 'id', nonce: 'n' }), 'type'],
    ['a vote token', () => claims({ type: 'governance_vote' }), 'type'],
    ['an assertion', () => claims({ type: 'assertion', act: { sub: 'aivillage' }, token_id: 't' }), 'type'],
    ['type missing', () => without('type'), 'type'],
    ['type a list', () => claims({ type: ['access'] }), 'type'],
    ['type in another case', () => claims({ type: 'Access' }), 'type'],
    ['role missing', () => without('role'), 'claims'],
    ['role a list', () => claims({ role: ['admin'] }), 'claims'],
    ['level unknown', () => claims({ governance_level: 'GOD' }), 'claims'],
    ['level __proto__', () => claims({ governance_level: '__proto__' }), 'claims'],
    ['level 0', () => claims({ governance_level: 0 }), 'claims'],
    ['level 6', () => claims({ governance_level: 6 }), 'claims'],
    ['level 4.5', () => claims({ governance_level: 4.5 }), 'claims'],
    ['level as digits', () => claims({ governance_level: '5' }), 'claims'],
    ['level null', () => claims({ governance_level: null }), 'claims'],
    ['permissions as text', () => claims({ permissions: 'system:full_access' }), 'claims'],
    ['permissions with a number', () => claims({ permissions: ['a:b', 1] }), 'claims'],
    ['257 permissions', () => claims({ permissions: Array.from({ length: 257 }, () => 'a') }), 'claims'],
    ['permissions with a list-like', () => claims({ permissions: { 0: 'system:full_access', length: 1 } }), 'claims'],
  ];
  it.each(['root', 'agent', 'constructor', '__proto__'])(
    '[A4] gives the role %s of another issuer no permissions of its own',
    async (role) => {
      const caller = await verifier.verify(hs256(claims({ role, permissions: ['a:b'] })));
      expect(caller.permissions).toEqual(['a:b']);
    },
  );

  it.each(table)('[A1] refuses %s', async (_what, make, reason) => {
    await expectRefused(verifier, hs256(make()), reason);
  });

  it('[A1] refuses another secret and another private key', async () => {
    await expectRefused(verifier, hs256(claims(), 'x'.repeat(32)), 'signature');
    const { privateKey } = crypto.generateKeyPairSync('ed25519');
    await expectRefused(verifier, signedWith(claims(), privateKey, { alg: 'EdDSA', kid: 'EdDSA' }), 'signature');
  });

  it.each(['exp', 'sub', 'role', 'type', 'governance_level'])(
    '[A1] refuses %s standing twice in the payload',
    async (name) => {
      const text = JSON.stringify(claims());
      const value = JSON.stringify(claims()[name as 'sub']);
      await expectRefused(verifier, hs256(`${text.slice(0, -1)},"${name}":${value}}`), 'malformed');
      const escaped = `\\u${name.charCodeAt(0).toString(16).padStart(4, '0')}${name.slice(1)}`;
      await expectRefused(verifier, hs256(`${text.slice(0, -1)},"${escaped}":${value}}`), 'malformed');
    },
  );

  it.each([
    ['no JSON', 'hello'],
    ['a list', '[]'],
    ['null', 'null'],
    ['nothing', ''],
    ['a byte order mark', '\ufeff{}'],
    ['invalid UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])],
    ['depth 100', `${'{"a":'.repeat(100)}1${'}'.repeat(100)}`],
  ])('[A1] refuses a payload of %s', async (_what, payload) => {
    await expectRefused(verifier, hs256(payload), 'malformed');
  });

  it('[A1] D03: a __proto__ claim gives nothing to this caller or the next', async () => {
    const { role, ...rest } = claims();
    const text = JSON.stringify(rest);
    const polluted = `${text.slice(0, -1)},"__proto__":{"role":"admin","isAdmin":true}}`;
    await expectRefused(verifier, hs256(polluted), 'claims');
    const withRole = `${polluted.slice(0, -1)},"role":"user","governance_level":1}`.replace(
      '"governance_level":"OPERATOR",',
      '',
    );
    const caller = await verifier.verify(hs256(withRole));
    expect(caller.role).toBe('user');
    expect(JSON.stringify(caller)).not.toContain('isAdmin');
    expect(Object.getPrototypeOf(caller)).toBe(Object.prototype);
    expect(({} as { isAdmin?: unknown }).isAdmin).toBeUndefined();
  });
});

describe('remembering', () => {
  it('[A1] answers a token seen before at once, with the same caller, until it expires', async () => {
    const token = hs256(claims());
    const first = await verifier.verify(token);
    expect(verifier.verify(token)).toBe(first);
    clock.pass(899_000);
    expect(verifier.verify(token)).toBe(first);
    clock.pass(1_000 + 30_000);
    await expectRefused(verifier, token, 'expired');
    expect(verifier.size).toBe(0);
  });

  it('[A2] refuses a remembered token once its jti is revoked, whatever its spelling, and forgets it', async () => {
    const token = hs256(claims());
    const caller = await verifier.verify(token);
    verifier.assertCurrent(caller);
    revocations.revoked.add('token-1');
    await expectRefused(verifier, token, 'revoked');
    expect(verifier.size).toBe(0);
    await expectRefused(verifier, token, 'revoked');
    await expectRefused(verifier, hs256(claims(), SECRET, { alg: 'HS256', typ: 'JWT' }), 'revoked');
    expect(() => verifier.assertCurrent(caller)).toThrow('A valid bearer token is required');
  });

  it('[A1] ends an open session of a caller whose token has expired', async () => {
    const caller = await verifier.verify(hs256(claims()));
    clock.pass(931_000);
    expect(() => verifier.assertCurrent(caller)).toThrow('A valid bearer token is required');
  });

  it('[A5] asks the configured agents again after forget', async () => {
    const token = hs256(claims({ sub: 'king', agent_id: 'king', governance_level: undefined }));
    expect((await verifier.verify(token)).level).toBe(LEVELS.EMERGENCY);
    agents.set('king', LEVELS.OPERATOR);
    verifier.forget();
    expect((await verifier.verify(token)).level).toBe(LEVELS.OPERATOR);
    agents.set('king', LEVELS.EMERGENCY);
  });

  it('[A1] remembers nothing of tokens that it refused', async () => {
    for (let i = 0; i < 500; i++) await expectRefused(verifier, hs256(claims({ aud: `other-${i}` })), 'audience');
    expect(verifier.size).toBe(0);
  });
});

describe('start', () => {
  it('[A1] does not start with a secret under 32 bytes and says what to do', async () => {
    await expect(makeVerifier({ secret: Buffer.alloc(31, 1) })).rejects.toThrow(
      /31 bytes, expected at least 32.*openssl rand/,
    );
  });

  it('[A1] does not start without any key', async () => {
    await expect(makeVerifier({})).rejects.toThrow(/No key to verify tokens with/);
  });
});
