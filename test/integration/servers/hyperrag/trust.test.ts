import { afterEach, beforeEach, expect, it } from 'vitest';
import { type Agent, TestHyperrag } from '../../../fixtures/hyperrag/knowledge.ts';

let hyperrag: TestHyperrag;
let sage: Agent;
let magi: Agent;

beforeEach(async () => {
  hyperrag = await TestHyperrag.open();
  sage = await hyperrag.agent('sage');
  magi = await hyperrag.agent('magi');
  const documents = [
    { id: 'a', title: 'Well', text: 'The old well is forty metres deep.', source: 'chronicle' },
    { id: 'b', title: 'Tower', text: 'The bell tower was built by masons from the coast.', source: 'chronicle' },
    {
      id: 'c',
      title: 'Well survey',
      text: 'A survey found that the old well is twelve metres deep.',
      source: 'survey',
    },
  ];
  await sage.call('hyperrag_ingest', { documents, namespace: 'shared' });
});
afterEach(() => hyperrag.close());

async function find(agent: Agent, query: string, document: string) {
  const results = await agent.list('hyperrag_query', 'results', { query });
  return results.find(({ document_id }) => document_id === document)!;
}

it('[H5] a contradicted claim loses, and so do the other claims of its source; a supported one gains', async () => {
  const before = await find(magi, 'How deep is the old well?', 'a');
  const tower = await find(magi, 'Who built the bell tower?', 'b');
  const judged = await magi.call('hyperrag_feedback', { passage_id: before.passage_id, verdict: 'contradicts' });
  expect(judged.value).toMatchObject({ source: 'chronicle', source_reliability: { right: 9, wrong: 2 } });
  expect(Number(judged.value.claim_probability)).toBeLessThan(0.5);
  expect((await find(magi, 'How deep is the old well?', 'a')).confidence).toBeLessThan(Number(before.confidence));
  expect((await find(magi, 'Who built the bell tower?', 'b')).confidence).toBeLessThan(Number(tower.confidence));
  const again = await magi.call('hyperrag_feedback', { passage_id: before.passage_id, verdict: 'contradicts' });
  expect(again.value).toEqual(judged.value);
  const changed = await magi.call('hyperrag_feedback', { passage_id: before.passage_id, verdict: 'supports' });
  expect(changed.value).toMatchObject({ source_reliability: { right: 10, wrong: 1 } });
});

it('[H5] another passage can be the witness; a source is none to itself, nor an author to what it shared', async () => {
  const well = await find(sage, 'How deep is the old well?', 'a');
  const survey = await find(sage, 'survey of the old well', 'c');
  const tower = await find(sage, 'bell tower masons', 'b');
  const own = await sage.call('hyperrag_feedback', { passage_id: well.passage_id, verdict: 'supports' });
  expect(own.error).toContain('no witness to itself');
  const same = { passage_id: well.passage_id, verdict: 'supports', evidence_passage_id: tower.passage_id };
  expect((await sage.call('hyperrag_feedback', same)).error).toContain('no witness to itself');
  const other = { passage_id: well.passage_id, verdict: 'contradicts', evidence_passage_id: survey.passage_id };
  expect(Number((await sage.call('hyperrag_feedback', other)).value.claim_probability)).toBeLessThan(0.5);
});

it('[H5] the same claim from independent sources is one result with all sources, and surer', async () => {
  const alone = await find(magi, 'Who built the bell tower?', 'b');
  const text = 'The bell tower was built by masons from the coast.';
  const documents = [{ id: 'b2', title: 'Tower', text, source: 'guild roll' }];
  await sage.call('hyperrag_ingest', { documents, namespace: 'shared' });
  const results = await magi.list('hyperrag_query', 'results', { query: 'Who built the bell tower?' });
  const told = results.filter((result) => result.text === text);
  expect(told).toHaveLength(1);
  expect([...(told[0]!.sources as string[])].sort()).toEqual(['chronicle', 'guild roll']);
  expect(told[0]!.confidence).toBeGreaterThan(Number(alone.confidence));
});

it('[H5] what was irrelevant lowers the confidence of hits like it, for who said so', async () => {
  const query = 'How deep is the old well?';
  const before = await find(magi, query, 'a');
  const others = await find(sage, query, 'a');
  for (const asked of [query, 'old well depth', 'the deep old well']) {
    const { error } = await magi.call('hyperrag_feedback', {
      passage_id: before.passage_id,
      verdict: 'irrelevant',
      query: asked,
    });
    expect(error).toBeUndefined();
  }
  expect((await find(magi, query, 'a')).confidence).toBeLessThan(Number(before.confidence));
  expect((await find(sage, query, 'a')).confidence).toBe(others.confidence);
  const without = await magi.call('hyperrag_feedback', { passage_id: before.passage_id, verdict: 'relevant' });
  expect(without.error).toContain('needs the query');
});

it.each([
  ['email', 'Ask ida.bohn@example.org when to water.', 'ida.bohn'],
  ['person', 'Katharina Oswald waters at dusk.', 'Oswald'],
  ['phone', 'Call +49 30 901820 about water.', '901820'],
  ['iban', 'Paid from DE44 5001 0517 5407 3249 31 each May.', '5001'],
  ['address', 'The garden at Lindenallee 35a, 04109 Leipzig is dry.', 'Lindenallee'],
])(
  '[H7] refuses a text that holds personal data of the kind %s, says the kind and never the value',
  async (kind, content, secret) => {
    const given = { content, confidence: 0.9, domain: 'gardening', privacy_level: 'anonymized' };
    const { value } = await sage.call('knowledge_elevation', given);
    expect(value).toMatchObject({ accepted: false, knowledge_id: null, findings: [{ kind, field: 'content' }] });
    expect(JSON.stringify(value)).not.toContain(secret);
    const places = await sage.call('knowledge_elevation', { ...given, content: 'Water at dusk.', domain: content });
    expect(places.value).toMatchObject({ accepted: false, findings: [{ kind, field: 'domain' }] });
    expect(await find(magi, 'Who waters, and when?', 'kn')).toBeUndefined();
  },
);

it('[H7] refuses what holds personal data and says where; what is clean every agent finds, with confidence and source', async () => {
  const village = await TestHyperrag.open();
  const twin = await village.agent('twin');
  const reader = await village.agent('reader');
  const given = { confidence: 0.8, domain: 'gardening', privacy_level: 'anonymized' };
  const refused = await twin.call('knowledge_elevation', { ...given, content: 'Ask ida@example.org when to water.' });
  expect(refused.value).toMatchObject({ accepted: false, findings: [{ kind: 'email', start: 4 }] });
  const accepted = await twin.call('knowledge_elevation', {
    ...given,
    content: 'Gardeners who water at dusk lose fewer plants.',
  });
  expect(accepted.value).toMatchObject({ accepted: true, findings: [] });
  const again = await twin.call('knowledge_elevation', {
    ...given,
    content: 'Gardeners who water at dusk lose fewer plants.',
  });
  expect(again.value.knowledge_id).toBe(accepted.value.knowledge_id);
  const results = await reader.list('hyperrag_query', 'results', { query: 'When should gardeners water plants?' });
  expect(results).toMatchObject([{ kind: 'knowledge', source: 'twin', namespace: 'shared' }]);
  expect(results[0]!.confidence).toBeLessThanOrEqual(0.8);
  expect(JSON.stringify(results)).not.toContain('example.org');
  const pseudonymised = { ...given, content: 'Gardeners such as [PERSON_3f2a90c1] prune in winter.' };
  expect((await twin.call('knowledge_elevation', pseudonymised)).value).toMatchObject({ accepted: true });
  await village.close();
});
