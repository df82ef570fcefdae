import fs from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Caller } from '../../shared/identity/caller.ts';
import { openIdentityStore } from '../../shared/identity/identity-store.ts';
import { createTokenIssuer } from '../../shared/identity/issue.ts';
import { openIdentity } from '../../shared/identity/open-identity.ts';
import { refusalReason } from '../../shared/identity/refusal.ts';
import { openRevocations } from '../../shared/identity/revocations.ts';
import { createTokenVerifier } from '../../shared/identity/tokens.ts';
import { type Companion, startCompanion } from '../fixtures/identity/processes.ts';
import { Clock, refusalOf, SECRET, temporaryFolder } from '../fixtures/identity/setup.ts';

let folder: string;
const companions: Companion[] = [];
function start(name: Parameters<typeof startCompanion>[0], argument: string): Companion {
  const companion = startCompanion(name, argument);
  companions.push(companion);
  return companion;
}

beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(async () => {
  await Promise.all(companions.splice(0).map((companion) => companion.stop()));
  fs.rmSync(folder, { recursive: true });
});

it('[A2] A05: a revocation holds in another process on the same data folder within a second', async () => {
  const identity = await openIdentity({ dataDir: folder, agents: () => undefined });
  const watcher = start('watcher', folder);
  expect(await watcher.next()).toMatchObject({ answer: 'ready' });
  const { token, tokenId, expiresAt } = await identity.issuer.access({ agentId: 'alice', role: 'user' });
  watcher.send(token);
  expect(await watcher.next()).toMatchObject({ answer: 'accepted' });
  await identity.revocations.revoke(tokenId, expiresAt);
  const acknowledgedAt = Date.now();
  const seen = (await watcher.next()) as { answer: string; at: number };
  expect(seen.answer).toBe('refused');
  expect(seen.at - acknowledgedAt).toBeLessThan(1_000);
  await identity.close();
});

it('[A2] A05: while another process holds the store locked nothing is accepted, known or new, and then again', async () => {
  const clock = new Clock();
  const store = await openIdentityStore(folder);
  const revocations = openRevocations({ store, now: clock.now, elapsed: clock.now });
  const names = { issuer: 'aivillage', audience: 'aivillage' };
  const verifier = await createTokenVerifier({
    ...names,
    secret: SECRET,
    agents: () => undefined,
    revocations,
    now: clock.now,
  });
  const issuer = await createTokenIssuer({ ...names, secret: SECRET, now: clock.now });
  const known = await issuer.access({ agentId: 'alice', role: 'user' });
  const unknown = await issuer.access({ agentId: 'bob', role: 'user' });
  const caller: Caller = await verifier.verify(known.token);

  const locker = start('locker', path.join(folder, 'identity.db'));
  expect(await locker.next()).toBe('locked');
  expect(revocations.poll()).toBe(false);
  expect(verifier.verify(known.token)).toBe(caller);
  clock.pass(1_001);
  for (const token of [known.token, unknown.token, 'rubbish']) {
    const error = await refusalOf(() => verifier.verify(token));
    expect(refusalReason(error)).toBe('revocations_unreadable');
    expect(error.httpStatus).toBe(401);
    expect(error.message).toMatch(/revocation list cannot be read/);
  }
  expect(() => verifier.assertCurrent(caller)).toThrow(/revocation list cannot be read/);
  const refusedRevocation = await refusalOf(() => revocations.revoke(known.tokenId, known.expiresAt));
  expect([refusedRevocation.kind, refusedRevocation.httpStatus]).toEqual(['IDENTITY_UNAVAILABLE', 503]);

  locker.send('release');
  expect(await locker.next()).toBe('released');
  clock.pass(100);
  expect(verifier.verify(known.token)).toBe(caller);
  revocations.close();
  await store.close();
});

it('[X4] eight processes that start together on an empty folder get one secret and one key', async () => {
  const keys = path.join(folder, 'keys');
  const makers = Array.from({ length: 8 }, () => start('key-maker', keys));
  for (const maker of makers) expect(await maker.next()).toBe('ready');
  for (const maker of makers) maker.send('go');
  const answers = await Promise.all(makers.map((maker) => maker.next()));
  expect(new Set(answers).size).toBe(1);
  expect(fs.readdirSync(keys).sort()).toEqual(['jwt-secret', 'key.pem']);
});
