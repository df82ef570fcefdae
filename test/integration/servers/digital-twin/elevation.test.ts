import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Send } from '../../../../servers/digital-twin/elevation/elevate.ts';
import { AppError } from '../../../../shared/errors.ts';
import { type Person, START, saidOnDays, TestTwins } from '../../../fixtures/digital-twin/twins.ts';

let now: number;
let sent: Parameters<Send>[0][];
/** Called when something is about to be sent. */
let onSend: () => Promise<void>;
let twins: TestTwins;
let alice: Person;

const RESTART = {
  kind: 'knowledge',
  content: 'Restarting the router after a new certificate helps.',
  domain: 'operations',
};
const MAIL = {
  kind: 'knowledge',
  content: 'When the backup fails, write to canary@example.org before noon.',
  domain: 'operations',
};

beforeEach(async () => {
  now = START;
  sent = [];
  onSend = async () => {};
  twins = new TestTwins({
    nowMs: () => now,
    dice: noNoise(),
    send: async (knowledge) => {
      await onSend();
      sent.push(knowledge);
      return { accepted: true, knowledgeId: `kn_${sent.length}` };
    },
  });
  alice = await twins.person('alice');
});
afterEach(() => twins.close());

/** Dice by which the noise is always 0. */
function noNoise(): (n: number) => number {
  let coin = 0;
  return (n) => {
    if (n !== 2) return 0;
    coin = 1 - coin;
    return coin;
  };
}

const grant = (person: Person, purpose = 'knowledge_elevation') =>
  person.call('twin_consent', { action: 'grant', purpose });
const candidates = async (person: Person) =>
  (await person.read('twin://candidates')).candidates as Record<string, unknown>[];
const elevate = (person: Person, ids?: unknown[]) =>
  person.list('twin_elevate', 'elevated', ids === undefined ? {} : { candidate_ids: ids });

it('[T5] [T6] sends what is allowed and sure, without personal data, once', async () => {
  await alice.observe(
    ...saidOnDays(3, RESTART),
    ...saidOnDays(3, MAIL),
    ...saidOnDays(2, { ...RESTART, content: 'Tea helps.' }),
  );
  expect((await candidates(alice)).map((each) => each.withheld_because)).toEqual(['no_consent', 'no_consent']);
  expect(await elevate(alice)).toEqual([]);
  await grant(alice);
  const ready = await candidates(alice);
  expect(ready).toMatchObject([{ withheld_because: null }, { withheld_because: null }]);
  expect(JSON.stringify(ready)).not.toContain('canary');
  expect(await elevate(alice)).toMatchObject([{ outcome: 'sent' }, { outcome: 'sent' }]);
  expect(sent).toMatchObject([
    { content: RESTART.content, confidence: 0.8, domain: 'operations', privacy_level: 'anonymized' },
    { content: expect.stringMatching(/^When the backup fails, write to \[EMAIL_[0-9a-f]{8}\] before noon\.$/) },
  ]);
  const shown = String(ready[1]?.anonymized_content);
  expect(sent[1]?.content, 'names in what leaves are not those of the store').not.toBe(shown);
  expect(await elevate(alice, [ready[0]?.candidate_id])).toMatchObject([{ outcome: 'already_sent' }]);
  expect(sent).toHaveLength(2);
});

it('[T5] nothing leaves when consent is withdrawn between listing and sending, also in the midst of a call', async () => {
  await alice.observe(...saidOnDays(3, RESTART), ...saidOnDays(3, MAIL));
  await grant(alice);
  const ids = (await candidates(alice)).map(({ candidate_id }) => candidate_id);
  await alice.call('twin_consent', { action: 'withdraw', purpose: 'knowledge_elevation' });
  expect(await elevate(alice, ids)).toMatchObject([{ outcome: 'no_consent' }, { outcome: 'no_consent' }]);
  expect(sent).toEqual([]);
  await grant(alice);
  const elsewhere = new TestTwins({ folder: twins.folder, nowMs: () => now });
  const sameAlice = await elsewhere.person('alice');
  onSend = async () => {
    await sameAlice.call('twin_consent', { action: 'withdraw', purpose: 'knowledge_elevation' });
  };
  expect(await elevate(alice, ids)).toMatchObject([{ outcome: 'sent' }, { outcome: 'no_consent' }]);
  expect(sent).toHaveLength(1);
  const { consents } = (await alice.call('twin_consent')).value as { consents: unknown[] };
  expect(consents).toMatchObject([{ purpose: 'knowledge_elevation', granted: false }, { granted: false }]);
  await elsewhere.close();
});

it.each([
  ['speaks of oneself', { ...RESTART, content: 'My favourite editor is ed.' }],
  ['speaks of oneself in French', { ...RESTART, content: 'Le soir j’aime mieux le thé.' }],
  ['is personal', { ...RESTART, kind: 'personal' }],
])('[T6] what %s stays', async (_, fact) => {
  await alice.observe(...saidOnDays(4, fact));
  await grant(alice);
  const [found] = await alice.list('mini_rag_query', 'results', { query: fact.content });
  expect(await elevate(alice, [found?.fact_id])).toMatchObject([
    { outcome: expect.stringMatching(/about_somebody|unknown/) },
  ]);
  expect(sent).toEqual([]);
});

it('[T6] what is not sure enough stays', async () => {
  const [, told] = await alice.observe(...saidOnDays(2, RESTART));
  await grant(alice);
  expect(await elevate(alice, [told?.fact_id])).toMatchObject([{ outcome: 'not_sure_enough' }]);
  expect(sent).toEqual([]);
});

it('[T6] a sending that was lost is repeated with the very same text', async () => {
  await alice.observe(...saidOnDays(3, MAIL));
  await grant(alice);
  const tried: string[] = [];
  const lossy = new TestTwins({
    folder: twins.folder,
    nowMs: () => now,
    send: async ({ content }) => {
      tried.push(content);
      if (tried.length === 1) throw new AppError('CONNECTION_LOST');
      return { accepted: true, knowledgeId: 'kn_1' };
    },
  });
  const person = await lossy.person('alice');
  expect(await elevate(person)).toMatchObject([{ outcome: 'outcome_unknown' }]);
  expect(await elevate(person)).toMatchObject([{ outcome: 'sent' }]);
  expect(tried[0]).toBe(tried[1]);
  await lossy.close();
});

const EDITOR = { kind: 'preference', topic: 'editor', value: 'vim' };

async function people(count: number, of = twins): Promise<Person[]> {
  const all = await Promise.all(Array.from({ length: count }, (_, n) => of.person(`person-${n}`)));
  for (const person of all) await person.observe(...saidOnDays(4, EDITOR));
  return all;
}

async function patternOf(person: Person): Promise<unknown> {
  return (await candidates(person)).find(({ kind }) => kind === 'pattern')?.candidate_id;
}

it('[T6] a pattern about people leaves only with k people who allow it, as a count with noise, and is paid for once', async () => {
  const all = await people(6);
  for (const person of all.slice(0, 4)) await grant(person, 'people_patterns');
  const id = await patternOf(all[0]!);
  expect(await elevate(all[0]!, [id])).toMatchObject([{ outcome: 'too_few_people' }]);
  for (const person of all) await grant(person, 'people_patterns');
  expect(await elevate(all[0]!, [id]), 'a count that was made is not made again').toMatchObject([
    { outcome: 'too_few_people' },
  ]);
  expect(await elevate(all[5]!, [id])).toMatchObject([{ outcome: 'sent' }]);
  expect(sent).toMatchObject([{ confidence: 0.8, domain: 'people' }]);
  expect(sent[0]?.content).toMatch(/^About \d+ people here prefer “vim” for “editor”\.$/);
  const spent = async (person: Person) => {
    const { value } = await person.call('twin_export', { section: 'spendings' });
    return JSON.parse((value.files as { text: string }[])[0]!.text).length as number;
  };
  expect(await Promise.all(all.map(spent))).toEqual([2, 2, 2, 2, 1, 1]);
});

it('[T6] whoever has spent their budget is not counted any more', async () => {
  const tight = new TestTwins({
    nowMs: () => now,
    retentionDays: () => 365,
    dice: noNoise(),
    settings: { epsilon: 2, epsilonBudget: 2 },
    send: async (knowledge) => {
      sent.push(knowledge);
      return { accepted: true, knowledgeId: 'kn_1' };
    },
  });
  const all = await people(6, tight);
  for (const person of all.slice(0, 5)) await grant(person, 'people_patterns');
  const id = await patternOf(all[0]!);
  expect(await elevate(all[0]!, [id])).toMatchObject([
    { outcome: 'sent', content: expect.stringContaining('About 5') },
  ]);
  await grant(all[5]!, 'people_patterns');
  expect(await elevate(all[5]!, [id])).toMatchObject([{ outcome: 'too_few_people' }]);
  expect(sent).toHaveLength(1);
  await tight.close();
});

it('[T6] alone, without the router, it says so', async () => {
  const alone = new TestTwins();
  const person = await alone.person('alice');
  expect((await person.call('twin_elevate')).reason).toBe('UPSTREAM_UNAVAILABLE');
  await alone.close();
});
