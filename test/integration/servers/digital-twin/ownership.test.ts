import { afterAll, beforeAll, expect, it } from 'vitest';
import { filesBelow, type Person, TestTwins } from '../../../fixtures/digital-twin/twins.ts';

let twins: TestTwins;
let alice: Person;
let bob: Person;
let factId: string;

beforeAll(async () => {
  twins = new TestTwins();
  [alice, bob] = [await twins.person('alice'), await twins.person('bob')];
  const [fact] = await alice.observe({ kind: 'personal', content: 'The canary-7731 sleeps under the stairs.' });
  factId = String(fact?.fact_id);
  await alice.call('twin_consent', { action: 'grant', purpose: 'people_patterns' });
});
afterAll(() => twins.close());

it('[T1] [M2] another caller gets from every tool, resource and prompt what somebody gets when there is no other twin', async () => {
  const alone = new TestTwins();
  const nobody = await alone.person('bob');
  for (const person of [bob, nobody]) {
    expect((await person.call('mini_rag_query', { query: 'canary-7731 stairs' })).value).toEqual({ results: [] });
  }
  for (const [tool, args] of [
    ['twin_preferences', {}],
    ['twin_consent', {}],
    ['twin_export', { format: 'csv' }],
    ['twin_elevate', { candidate_ids: [factId] }],
    ['twin_observe', { observations: [{ kind: 'outcome', fact_id: factId, held: false }] }],
    ['twin_erase', { what: { scope: 'facts', fact_ids: [factId] }, confirm: true }],
    ['twin_erase', { what: { scope: 'text', text: 'canary' }, confirm: true }],
    ['twin_erase', { what: { scope: 'all' }, confirm: true }],
  ] as const) {
    expect(await bob.call(tool, args), tool).toEqual(await nobody.call(tool, args));
  }
  for (const uri of ['twin://profile', 'twin://consents', 'twin://candidates']) {
    expect(await bob.read(uri), uri).toEqual(await nobody.read(uri));
  }
  const prompt = { name: 'what_do_you_know_about_me' };
  expect(await bob.client.getPrompt(prompt)).toEqual(await nobody.client.getPrompt(prompt));
  await alone.close();
  expect(JSON.stringify(await alice.call('twin_export'))).toContain('canary-7731');
});

it('[T1] [M2] an id of another person is as unknown as one that never was', async () => {
  await bob.observe({ kind: 'event', topic: 'tea' });
  const refusals = [];
  for (const id of [factId, 'f_0000000000000000']) {
    const { error, reason } = await bob.call('twin_observe', {
      observations: [{ kind: 'outcome', fact_id: id, held: true }],
    });
    refusals.push({ error: error?.replace(id, 'ID'), reason });
  }
  expect(refusals[0]).toEqual(refusals[1]);
  expect(refusals[0]).toEqual({ error: 'Unknown fact: ID. Nothing was taken.', reason: 'UNAUTHORIZED_ACCESS' });
});

it('[T1] nobody subscribes to a twin: updates would tell when somebody else uses theirs', async () => {
  for (const person of [alice, bob]) {
    await expect(person.client.subscribeResource({ uri: 'twin://profile' })).rejects.toMatchObject({ code: -32602 });
  }
  expect(bob.client.getServerCapabilities()?.resources?.subscribe).toBe(false);
});

it('[T1] a twin that is made while somebody asks for it is made all the same', async () => {
  const dora = await twins.person('dora');
  const answers = await Promise.all([
    dora.call('mini_rag_query', { query: 'bees' }),
    dora.call('twin_observe', { observations: [{ kind: 'personal', content: 'Dora keeps bees.' }] }),
    dora.call('twin_preferences', { action: 'set', topic: 'tea', value: 'green' }),
    dora.call('mini_rag_query', { query: 'bees' }),
  ]);
  expect(answers.map(({ error }) => error)).toEqual([undefined, undefined, undefined, undefined]);
  expect((await dora.read('twin://profile')).profile).toMatchObject({ facts: 2 });
});

it('[T1] the files name nobody, and asking makes none', async () => {
  const before = filesBelow(twins.dataDir);
  const carol = await twins.person('carol');
  await carol.call('mini_rag_query', { query: 'anything' });
  await carol.call('twin_consent', { action: 'withdraw', purpose: 'people_patterns' });
  await carol.read('twin://profile');
  expect(filesBelow(twins.dataDir)).toEqual(before);
  expect(before.join()).not.toMatch(/alice|bob/);
});
