import crypto from 'node:crypto';
import { beforeEach, expect, it } from 'vitest';
import {
  type AssertionMinter,
  type AssertionVerifier,
  createAssertionMinter,
  createAssertionVerifier,
} from '../../../../shared/identity/assertions.ts';
import type { Caller } from '../../../../shared/identity/caller.ts';
import { type RefusalReason, refusalReason } from '../../../../shared/identity/refusal.ts';
import { Clock, goodClaims, hs256, refusalOf, signedWith, unsigned } from '../../../fixtures/identity/setup.ts';

const { privateKey, publicKey } = crypto.generateKeyPairSync('ed25519');
const caller: Caller = {
  agentId: 'sage',
  role: 'developer',
  level: 4,
  permissions: ['hyperrag:*', 'extra:thing'],
  tokenId: 'token-1',
  expiresAt: 2_000_000_000,
};

let clock: Clock;
let minter: AssertionMinter;
let verifier: AssertionVerifier;
beforeEach(() => {
  clock = new Clock();
  minter = createAssertionMinter({ privateKey, issuer: 'aivillage', now: clock.now });
  verifier = createAssertionVerifier({ publicKey, serverId: 'hyperrag', issuer: 'aivillage', now: clock.now });
});

const claims = (changes: Record<string, unknown> = {}) => ({
  ...goodClaims(clock.seconds),
  aud: 'hyperrag',
  type: 'assertion',
  exp: clock.seconds + 60,
  act: { sub: 'aivillage' },
  token_id: 'token-1',
  ...changes,
});
const sign = (changes?: Record<string, unknown>, header: object = { alg: 'EdDSA' }) =>
  signedWith(claims(changes), privateKey, { ...header });

it('[A6] names the caller to the one server it was made for, for 60 s', async () => {
  const assertion = await minter.get(caller, 'hyperrag');
  const seen = await verifier.verify(assertion);
  expect(seen).toMatchObject({ agentId: 'sage', role: 'developer', level: 4, tokenId: 'token-1' });
  expect(seen.expiresAt).toBe(clock.seconds + 60);
  expect(seen.permissions).toEqual(['hyperrag:*', 'extra:thing']);
  expect(JSON.parse(Buffer.from(assertion.split('.')[1]!, 'base64url').toString())).toMatchObject({
    aud: 'hyperrag',
    act: { sub: 'aivillage' },
  });
  const other = createAssertionVerifier({ publicKey, serverId: 'fog', issuer: 'aivillage', now: clock.now });
  expect(refusalReason(await refusalOf(() => other.verify(assertion)))).toBe('audience');
});

it('[A6] hands out the same assertion at once while it is fresh, one for each caller and server', async () => {
  const [assertion, same] = await Promise.all([minter.get(caller, 'hyperrag'), minter.get(caller, 'hyperrag')]);
  expect(same).toBe(assertion);
  expect(minter.get(caller, 'hyperrag')).toBe(assertion);
  expect(await minter.get(caller, 'fog')).not.toBe(assertion);
  const other = await minter.get({ ...caller, agentId: 'magi' }, 'hyperrag');
  expect((await verifier.verify(other)).agentId).toBe('magi');
  expect(minter.get(caller, 'hyperrag')).toBe(assertion);
});

it('[A6] renews in the background before the end and never hands out one with less than 10 s', async () => {
  const first = await minter.get(caller, 'hyperrag');
  clock.pass(29_000);
  expect(minter.get(caller, 'hyperrag')).toBe(first);
  clock.pass(2_000);
  expect(minter.get(caller, 'hyperrag')).toBe(first);
  await expect.poll(() => minter.get(caller, 'hyperrag')).not.toBe(first);
  const second = await minter.get(caller, 'hyperrag');
  clock.pass(51_000);
  const third = minter.get(caller, 'hyperrag');
  expect(third).toBeInstanceOf(Promise);
  expect(await third).not.toBe(second);
});

it('[A6] makes a new one when the clock was set back', async () => {
  const first = await minter.get(caller, 'hyperrag');
  clock.pass(-3_600_000);
  const second = await minter.get(caller, 'hyperrag');
  expect(second).not.toBe(first);
  expect((await verifier.verify(second)).agentId).toBe('sage');
});

it('[A6] verifies once and then answers at once until the end', async () => {
  const assertion = await minter.get(caller, 'hyperrag');
  const seen = await verifier.verify(assertion);
  expect(verifier.verify(assertion)).toBe(seen);
  clock.pass(66_000);
  expect(refusalReason(await refusalOf(() => verifier.verify(assertion)))).toBe('expired');
});

const spki = publicKey.export({ type: 'spki', format: 'pem' });
const forged: [string, () => string, RefusalReason][] = [
  ['alg none', () => unsigned(claims(), { alg: 'none' }, 'AAAA'), 'algorithm'],
  ['HS256 under the public key', () => hs256(claims(), spki), 'algorithm'],
  [
    'another key',
    () => signedWith(claims(), crypto.generateKeyPairSync('ed25519').privateKey, { alg: 'EdDSA' }),
    'signature',
  ],
  ['a key in the header', () => sign({}, { alg: 'EdDSA', jwk: publicKey.export({ format: 'jwk' }) }), 'header'],
  ['an access token', () => sign({ type: 'access' }), 'type'],
  ['another server', () => sign({ aud: 'fog' }), 'audience'],
  ['another router', () => sign({ iss: 'elsewhere' }), 'issuer'],
  ['another actor', () => sign({ act: { sub: 'magi' } }), 'claims'],
  ['no actor', () => sign({ act: undefined }), 'claims'],
  ['61 s', () => sign({ exp: clock.seconds + 61 }), 'lifetime'],
  ['no level', () => sign({ governance_level: undefined }), 'claims'],
  ['no permissions', () => sign({ permissions: undefined }), 'claims'],
  ['no token id', () => sign({ token_id: undefined }), 'claims'],
  ['the future', () => sign({ iat: clock.seconds + 10, exp: clock.seconds + 60 }), 'not_yet_valid'],
  ['the past', () => sign({ iat: clock.seconds - 60, nbf: undefined, exp: clock.seconds - 6 }), 'expired'],
  ['too long', () => sign({ padding: 'x'.repeat(9_000) }), 'too_long'],
];
it.each(forged)('[A6] a server refuses an assertion of %s', async (_what, make, reason) => {
  const error = await refusalOf(() => verifier.verify(make()));
  expect(error.kind).toBe('UNAUTHENTICATED');
  expect(refusalReason(error)).toBe(reason);
});
