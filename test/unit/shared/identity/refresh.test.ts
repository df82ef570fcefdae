import fs from 'node:fs';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type Identity, openIdentity } from '../../../../shared/identity/open-identity.ts';
import type { TokenPair } from '../../../../shared/identity/refresh.ts';
import { refusalReason } from '../../../../shared/identity/refusal.ts';
import type { User } from '../../../../shared/identity/users.ts';
import {
  Clock,
  expectRefused,
  goodClaims,
  hs256,
  refusalOf,
  temporaryFolder,
} from '../../../fixtures/identity/setup.ts';

const secret = 'a secret of these tests, long enough for it';
let folder: string;
let clock: Clock;
let identity: Identity;
let second: Identity;
let user: User;
const open = () => openIdentity({ dataDir: folder, secret, agents: () => undefined, now: clock.now });
beforeEach(async () => {
  folder = temporaryFolder();
  clock = new Clock();
  identity = await open();
  second = await open();
  user = await identity.users.add('alice', 'developer', 'a good password');
});
afterEach(async () => {
  await identity.close();
  await second.close();
  fs.rmSync(folder, { recursive: true });
});

const exchange = (pair: TokenPair, by = identity) => by.refresher.exchange(pair.refresh.token);
async function reasonOf(work: () => Promise<unknown>): Promise<string | undefined> {
  return refusalReason(await refusalOf(work));
}

it('[A2] gives an access token of 15 minutes and a refresh token of 7 days, and rotates both', async () => {
  const first = await identity.refresher.begin(user);
  expect([first.access.expiresAt - clock.seconds, first.refresh.expiresAt - clock.seconds]).toEqual([900, 604_800]);
  expect(await identity.verifier.verify(first.access.token)).toMatchObject({
    agentId: 'alice',
    role: 'developer',
    level: 2,
  });
  clock.pass(600_000);
  const next = await exchange(first);
  expect(next.refresh.token).not.toBe(first.refresh.token);
  expect(await identity.verifier.verify(next.access.token)).toMatchObject({ agentId: 'alice' });
  expect(await identity.verifier.verify(first.access.token)).toMatchObject({ agentId: 'alice' });
});

it('[A2] a refresh token that comes again ends its family with all its access tokens, in every process', async () => {
  const other = await identity.refresher.begin(user);
  const first = await identity.refresher.begin(user);
  const next = await exchange(first);
  await second.verifier.verify(next.access.token);
  expect(await reasonOf(() => exchange(first, second))).toBe('reused');
  identity.revocations.poll();
  for (const at of [identity, second]) {
    await expectRefused(at.verifier, first.access.token, 'revoked');
    await expectRefused(at.verifier, next.access.token, 'revoked');
    expect(await reasonOf(() => exchange(next, at))).toBe('revoked');
    await at.verifier.verify(other.access.token);
  }
  await exchange(other);
});

it('[A2] of two exchanges of one token at the same time one succeeds at most, and the family ends', async () => {
  const first = await identity.refresher.begin(user);
  const results = await Promise.allSettled([exchange(first), exchange(first, second), exchange(first)]);
  const won = results.filter((result) => result.status === 'fulfilled');
  expect(won).toHaveLength(1);
  identity.revocations.poll();
  await expectRefused(identity.verifier, won[0]!.value.access.token, 'revoked');
});

it('[A2] refuses access tokens, forged, expired and unknown tokens as refresh tokens', async () => {
  const pair = await identity.refresher.begin(user);
  const claims = { ...goodClaims(clock.seconds), type: 'refresh', family_id: 'f', jti: 'unknown' };
  const attempts: [string, string][] = [
    [pair.access.token, 'type'],
    [hs256(claims), 'signature'],
    [hs256(claims, secret), 'revoked'],
    [hs256({ ...claims, aud: 'other' }, secret), 'audience'],
    [hs256({ ...claims, exp: clock.seconds + 604_801 }, secret), 'lifetime'],
    [hs256({ ...claims, family_id: undefined }, secret), 'claims'],
    [hs256({ ...claims, jti: pair.refresh.tokenId }, secret), 'revoked'],
    ['rubbish', 'malformed'],
  ];
  for (const [token, reason] of attempts) {
    expect(await reasonOf(() => identity.refresher.exchange(token))).toBe(reason);
  }
  clock.pass(604_831_000);
  expect(await reasonOf(() => exchange(pair))).toBe('expired');
});

it('[A3] a removed user can refresh no more, and endAll ends what it had', async () => {
  const pair = await identity.refresher.begin(user);
  const another = await identity.refresher.begin(user);
  await identity.users.remove('alice');
  expect(await reasonOf(() => exchange(pair))).toBe('revoked');
  await identity.refresher.endAll('alice');
  await identity.users.add('alice', 'user', 'another password');
  for (const old of [pair, another]) {
    expect(await reasonOf(() => exchange(old))).toBe('revoked');
    await expectRefused(identity.verifier, old.access.token, 'revoked');
  }
});

it('[A3] ends a family only for the one it belongs to', async () => {
  const pair = await identity.refresher.begin(user);
  expect(await identity.refresher.end(pair.refresh.token, 'bob')).toBe(false);
  expect(await identity.refresher.end('rubbish', 'alice')).toBe(false);
  const next = await exchange(pair);
  expect(await identity.refresher.end(next.refresh.token, 'alice')).toBe(true);
  await expectRefused(identity.verifier, next.access.token, 'revoked');
});

it.each(['access', 'refresh'] as const)('[A2] ends a family by the id of one of its %s tokens', async (kind) => {
  const pair = await identity.refresher.begin(user);
  const other = await identity.refresher.begin(user);
  const next = await exchange(pair);
  expect(await second.refresher.endFamilyOf(pair[kind].tokenId)).toBe(true);
  expect(await second.refresher.endFamilyOf('unknown')).toBe(false);
  identity.revocations.poll();
  await expectRefused(identity.verifier, next.access.token, 'revoked');
  expect(await reasonOf(() => exchange(next))).toBe('revoked');
  await exchange(other);
});

it('[A2] drops rows of tokens that have ended', async () => {
  await identity.refresher.begin(user);
  clock.pass(604_831_000);
  await identity.refresher.begin(user);
  const { db } = identity.store;
  expect(await db.selectFrom('refresh_tokens').selectAll().execute()).toHaveLength(1);
  expect(await db.selectFrom('refresh_families').selectAll().execute()).toHaveLength(1);
});
