import fs from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { fileSource, passphraseSource } from '../../../../servers/digital-twin/keys/master-key.ts';
import { masterSource } from '../../../../servers/digital-twin/keys/master-source.ts';
import { createVault, storeIdOf } from '../../../../servers/digital-twin/keys/vault.ts';
import type { TwinSettings } from '../../../../shared/settings.ts';
import { DAY_MS, filesBelow, START, TestTwins } from '../../../fixtures/digital-twin/twins.ts';

let twins: TestTwins;
let now: number;
const open: TestTwins[] = [];

beforeEach(async () => {
  now = START;
  twins = new TestTwins({ nowMs: () => now });
});
afterEach(async () => {
  for (const each of open.splice(0)) await each.close();
  await twins.close();
});

const FACT = { kind: 'knowledge', content: 'Bees sleep at night.' };

/** Another server on the same folder. */
async function again(settings: Partial<TwinSettings> = {}, person = 'alice') {
  const other = new TestTwins({ folder: twins.folder, nowMs: () => now, settings });
  open.push(other);
  return other.person(person);
}

async function tell(): Promise<void> {
  await (await twins.person('alice')).observe(FACT);
}

/** Every file of the data folder with its bytes. */
function snapshot(): Map<string, string> {
  const files = filesBelow(twins.dataDir).filter((file) => !/-(?:wal|shm)$/.test(file));
  return new Map(files.map((file) => [file, fs.readFileSync(file, 'base64')]));
}

const REFUSED = { reason: 'STORE_UNAVAILABLE', error: expect.stringContaining('Nothing was changed') };

it.each([
  ['another key file', () => ({ keyFile: path.join(twins.folder, 'other', 'key') }), 'wrong'],
  ['no key file', () => ({}), 'gone'],
  ['a passphrase instead of the key file', () => ({ passphrase: 'correct horse battery' }), 'kept'],
])(
  '[T1] with %s the twin is refused, for its owner and for a newcomer, and nothing is changed or made',
  async (_, settings, key) => {
    await tell();
    await twins.deps.close();
    if (key === 'wrong') {
      fs.mkdirSync(path.join(twins.folder, 'other'), { mode: 0o700 });
      fs.writeFileSync(path.join(twins.folder, 'other', 'key'), `${Buffer.alloc(32, 7).toString('base64url')}\n`, {
        mode: 0o600,
      });
    }
    const right = fs.readFileSync(twins.keyFile);
    if (key === 'gone') fs.rmSync(twins.keyFile);
    const before = snapshot();
    for (const name of ['alice', 'newcomer']) {
      const person = await again(settings(), name);
      expect(await person.call('twin_observe', { observations: [FACT] }), name).toMatchObject(REFUSED);
      expect(await person.call('mini_rag_query', { query: 'bees' })).toMatchObject({ reason: expect.anything() });
    }
    expect(snapshot()).toEqual(before);
    expect(fs.existsSync(twins.keyFile)).toBe(key !== 'gone');
    if (key === 'gone') fs.writeFileSync(twins.keyFile, right, { mode: 0o600 });
    expect(await (await again()).list('mini_rag_query', 'results', { query: 'bees' })).toHaveLength(1);
  },
);

it('[T1] a passphrase locks and unlocks; another one is refused', async () => {
  const right = { passphrase: 'correct horse battery' };
  await (await again(right)).observe(FACT);
  expect(fs.existsSync(twins.keyFile)).toBe(false);
  expect(await (await again(right)).list('mini_rag_query', 'results', { query: 'bees' })).toHaveLength(1);
  const wrong = await again({ passphrase: 'correct horse bakery' });
  expect(await wrong.call('mini_rag_query', { query: 'bees' })).toMatchObject(REFUSED);
});

it.each([0, 100, 4096, 8192, -4096, -1])('[T1] a store cut to %i octets is refused and left as it is', async (size) => {
  await tell();
  const bob = await twins.person('bob');
  await bob.observe(FACT);
  await twins.deps.close();
  const file = path.join(twins.dataDir, 'twins', `${storeIdOf('alice')}.twin`);
  const whole = fs.readFileSync(file);
  fs.truncateSync(file, size > 0 ? size : size === 0 ? 0 : whole.length + size);
  const before = snapshot();
  const alice = await again();
  for (const tool of ['mini_rag_query', 'twin_observe']) {
    const args = tool === 'twin_observe' ? { observations: [FACT] } : { query: 'bees' };
    expect(await alice.call(tool, args), tool).toMatchObject(REFUSED);
  }
  expect(snapshot()).toEqual(before);
  expect(await (await again({}, 'bob')).list('mini_rag_query', 'results', { query: 'bees' })).toHaveLength(1);
  fs.writeFileSync(file, whole);
  expect(await (await again()).list('mini_rag_query', 'results', { query: 'bees' })).toHaveLength(1);
});

it('[T7] a damaged twin can still be erased by its owner', async () => {
  await tell();
  await twins.deps.close();
  const file = path.join(twins.dataDir, 'twins', `${storeIdOf('alice')}.twin`);
  fs.truncateSync(file, 5_000);
  const alice = await again();
  const all = { what: { scope: 'all' }, confirm: true };
  expect((await alice.call('twin_erase', all)).value).toMatchObject({ twin_erased: true });
  expect(fs.existsSync(file)).toBe(false);
  expect(await alice.observe(FACT)).toMatchObject([{ status: 'new' }]);
});

it('[T1] stores without their vault are an error, not a new vault', async () => {
  await tell();
  await twins.deps.close();
  for (const suffix of ['', '-wal', '-shm'])
    fs.rmSync(path.join(twins.dataDir, 'twins', `vault.db${suffix}`), { force: true });
  expect(await (await again()).call('twin_observe', { observations: [FACT] })).toMatchObject(REFUSED);
  expect(fs.existsSync(path.join(twins.dataDir, 'twins', 'vault.db'))).toBe(false);
});

it('[T1] refuses a key file in the data folder, and one that others may read', async () => {
  const inside = await again({ keyFile: path.join(twins.dataDir, 'key') });
  expect(await inside.call('twin_observe', { observations: [FACT] })).toMatchObject(REFUSED);
  await tell();
  await twins.deps.close();
  fs.chmodSync(twins.keyFile, 0o644);
  expect(await (await again()).call('mini_rag_query', { query: 'bees' })).toMatchObject(REFUSED);
  fs.chmodSync(twins.keyFile, 0o600);
});

it('[T1] after a rotation the old key opens nothing, also in a server that was running', async () => {
  const alice = await twins.person('alice');
  await alice.observe(FACT);
  const old = fs.readFileSync(twins.keyFile);
  const settings = { passphrase: undefined, keyFile: twins.keyFile, usesKeychain: false };
  const vault = createVault(twins.dataDir, () => masterSource(settings, twins.dataDir));
  expect(await vault.rotate(fileSource(twins.keyFile, twins.dataDir))).toBe(1);
  await vault.close();
  expect(fs.readFileSync(twins.keyFile)).not.toEqual(old);
  expect(await alice.list('mini_rag_query', 'results', { query: 'bees' })).toHaveLength(1);
  const bob = await twins.person('bob');
  await bob.observe(FACT);
  const fresh = fs.readFileSync(twins.keyFile);
  fs.writeFileSync(twins.keyFile, old);
  expect(await (await again()).call('mini_rag_query', { query: 'bees' })).toMatchObject(REFUSED);
  fs.writeFileSync(twins.keyFile, fresh);
  expect(await (await again()).list('mini_rag_query', 'results', { query: 'bees' })).toHaveLength(1);
  expect(await (await again({}, 'bob')).list('mini_rag_query', 'results', { query: 'bees' })).toHaveLength(1);
});

it('[T1] a rotation that was cut off before or after its decision leaves the twins readable', async () => {
  await tell();
  await twins.deps.close();
  const settings = { passphrase: undefined, keyFile: twins.keyFile, usesKeychain: false };
  const source = fileSource(twins.keyFile, twins.dataDir);
  // Before: the next key was made, and nothing was locked with it.
  await source.replace(Buffer.alloc(16));
  expect(await (await again()).list('mini_rag_query', 'results', { query: 'bees' })).toHaveLength(1);
  // After: all is locked with the next key, and the file has not been put into its place.
  const vault = createVault(twins.dataDir, () => masterSource(settings, twins.dataDir));
  const cut = {
    ...source,
    replace: async (salt: Uint8Array) => ({ ...(await source.replace(salt)), commit: async () => {} }),
  };
  await vault.rotate(cut);
  await vault.close();
  expect(fs.existsSync(`${twins.keyFile}.next`)).toBe(true);
  expect(await (await again()).list('mini_rag_query', 'results', { query: 'bees' })).toHaveLength(1);
  expect(fs.existsSync(`${twins.keyFile}.next`)).toBe(false);
});

it('[T1] the lock can become a passphrase', async () => {
  await tell();
  await twins.deps.close();
  const settings = { passphrase: undefined, keyFile: twins.keyFile, usesKeychain: false };
  const vault = createVault(twins.dataDir, () => masterSource(settings, twins.dataDir));
  await vault.rotate(passphraseSource('correct horse battery'));
  await vault.close();
  expect(await (await again()).call('mini_rag_query', { query: 'bees' })).toMatchObject(REFUSED);
  const alice = await again({ passphrase: 'correct horse battery' });
  expect(await alice.list('mini_rag_query', 'results', { query: 'bees' })).toHaveLength(1);
});

it('[T1] a clock that was set back is told, and nothing is lost; reading and withdrawing go on', async () => {
  await tell();
  const alice = await twins.person('alice');
  await alice.call('twin_consent', { action: 'grant', purpose: 'knowledge_elevation' });
  now -= 400 * DAY_MS;
  const refused = await alice.call('twin_observe', { observations: [{ kind: 'event', topic: 'tea' }] });
  expect(refused).toMatchObject({ reason: 'CONFLICT', error: expect.stringContaining('s behind the last entry') });
  expect(await alice.list('mini_rag_query', 'results', { query: 'bees' })).toHaveLength(1);
  const { value } = await alice.call('twin_consent', { action: 'withdraw', purpose: 'knowledge_elevation' });
  expect(value.consents).toMatchObject([{ granted: false }, { granted: false }]);
  await twins.deps.sweep();
  now += 400 * DAY_MS;
  expect(await alice.observe({ kind: 'event', topic: 'tea' })).toMatchObject([{ status: 'recorded' }]);
  expect((await alice.read('twin://profile')).profile).toMatchObject({ facts: 1, events: 1 });
});

it('[T2] an observation of 10 MB, one to come, or one that does not fit is refused whole, and says why', async () => {
  const alice = await twins.person('alice');
  const tooMuch = { observations: [FACT, { kind: 'personal', content: 'x'.repeat(10_000_000) }] };
  expect((await alice.call('twin_observe', tooMuch)).error).toMatch(/observations\.1\.content: .*20000/);
  const toCome = { ...FACT, observed_at: new Date(START + DAY_MS).toISOString() };
  expect((await alice.call('twin_observe', { observations: [FACT, toCome] })).error).toMatch(
    /observations\.1\.observed_at/,
  );
  const unknown = { kind: 'outcome', fact_id: 'f_0123456789abcdef', held: true };
  expect((await alice.call('twin_observe', { observations: [FACT, unknown] })).error).toContain('Unknown fact');
  expect(await alice.list('mini_rag_query', 'results', { query: 'bees' })).toEqual([]);
});

it.each([
  ['emoji', 'The 👩‍🚀 crew drinks 🫖 at noon 🏳️‍🌈.', 'crew drinks'],
  ['right-to-left text', 'הפגישה עם דנה תתקיים ביום שני', 'הפגישה'],
  ['text of both directions', 'The word سلام means peace\u202Ereversed\u202C.', 'peace'],
  ['a lone surrogate', 'Broken \uD83D text stays readable.', 'readable'],
])('[T2] keeps %s, finds it and exports it as it was', async (_, content, query) => {
  const alice = await twins.person('alice');
  await alice.observe({ kind: 'personal', content });
  const found = await alice.list('mini_rag_query', 'results', { query, anonymization_required: false });
  expect(found).toMatchObject([{ content: content.toWellFormed() }]);
  const [file] = (await alice.call('twin_export', { section: 'facts' })).value.files as { text: string }[];
  expect(JSON.parse(file!.text)).toMatchObject([{ content: content.toWellFormed() }]);
  const { value } = await alice.call('twin_erase', { what: { scope: 'text', text: query }, confirm: true });
  expect(value).toMatchObject({ erased: 1 });
});
