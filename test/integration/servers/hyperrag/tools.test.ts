import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Agent, TestHyperrag } from '../../../fixtures/hyperrag/knowledge.ts';

const FILMS = [
  { id: 'tide', title: 'The Silent Tide', text: 'The Silent Tide is a 1961 drama film directed by Marta Okonkwo.' },
  {
    id: 'marta',
    title: 'Marta Okonkwo',
    text: 'Marta Okonkwo was a director. She was born in Port Velen and kept bees.',
  },
  { id: 'velen', title: 'Port Velen', text: 'Port Velen is a harbour town known for its copper lighthouse.' },
  {
    id: 'bread',
    title: 'Rye bread',
    text: 'Rye bread is baked from sour dough. It keeps for a week in a linen cloth.',
  },
];

let hyperrag: TestHyperrag;
let sage: Agent;
let magi: Agent;

beforeAll(async () => {
  hyperrag = await TestHyperrag.open();
  sage = await hyperrag.agent('sage');
  magi = await hyperrag.agent('magi');
});
afterAll(() => hyperrag.close());

describe('hyperrag_ingest and hyperrag_query', () => {
  it('[H1] takes documents, and the same again changes nothing', async () => {
    expect((await sage.call('hyperrag_ingest', { documents: FILMS })).value).toEqual({
      documents: 4,
      passages: 4,
      unchanged: 0,
      forgotten: 0,
      skipped: [],
      skipped_count: 0,
    });
    expect((await sage.call('hyperrag_ingest', { documents: FILMS })).value).toMatchObject({
      documents: 0,
      unchanged: 4,
    });
  });

  it('[H2] finds by the question, and by the names that lead on, with score, confidence, source and path', async () => {
    const question = 'In which town was the director of The Silent Tide born?';
    const results = await sage.list('hyperrag_query', 'results', { query: question, top_k: 3 });
    expect(results.map(({ document_id }) => document_id).sort()).toEqual(['marta', 'tide', 'velen']);
    const marta = results.find(({ document_id }) => document_id === 'marta')!;
    expect(marta).toMatchObject({ title: 'Marta Okonkwo', source: 'sage', kind: 'document', namespace: 'sage' });
    expect(marta.confidence).toBeGreaterThan(0);
    expect(marta.confidence).toBeLessThanOrEqual(1);
    expect(marta.path).toEqual([
      expect.objectContaining({ title: 'The Silent Tide' }),
      expect.objectContaining({ by: 'entity', name: expect.stringMatching(/marta okonkwo/i), title: 'Marta Okonkwo' }),
    ]);
  });

  it('[H2] leaves out what is less sure than asked, and is less sure of what nothing answers', async () => {
    const sure = await sage.list('hyperrag_query', 'results', { query: 'Who directed The Silent Tide?' });
    const unsure = await sage.list('hyperrag_query', 'results', { query: 'price of tin in the copper age' });
    const best = (results: Record<string, unknown>[]) =>
      Math.max(0, ...results.map(({ confidence }) => Number(confidence)));
    expect(best(sure)).toBeGreaterThan(best(unsure));
    const filtered = await sage.list('hyperrag_query', 'results', { query: 'tin', min_confidence: 0.99 });
    expect(filtered).toEqual([]);
  });

  it.each(['lexical', 'graph', 'vector'])('[H2] answers in mode %s', async (mode) => {
    const { error } = await sage.call('hyperrag_query', { query: 'rye bread', mode });
    expect(error).toBeUndefined();
  });

  it('[H1] an updated document is found by its new words only', async () => {
    const [rye] = FILMS.slice(3);
    await sage.call('hyperrag_ingest', { documents: [{ ...rye, text: 'Rye bread is eaten with quince jelly.' }] });
    const results = await sage.list('hyperrag_query', 'results', { query: 'sour dough quince' });
    expect(results[0]).toMatchObject({ document_id: 'bread', text: 'Rye bread is eaten with quince jelly.' });
    expect(JSON.stringify(results)).not.toContain('linen');
  });

  it('[H1] skips what says the very same under another id, and what holds nothing, and says why', async () => {
    const documents = [
      { ...FILMS[0], id: 'copy' },
      { id: 'empty', text: ' \n ' },
    ];
    const { value } = await sage.call('hyperrag_ingest', { documents });
    expect(value).toMatchObject({
      documents: 0,
      skipped: [
        { id: 'copy', reason: 'It says the very same as tide.' },
        { id: 'empty', reason: 'It holds no text.' },
      ],
    });
  });
});

describe('namespaces', () => {
  it("[H2] never finds, names or counts another agent's things", async () => {
    expect(await magi.list('hyperrag_query', 'results', { query: 'Who directed The Silent Tide?' })).toEqual([]);
    const other = await magi.call('hyperrag_query', { query: 'tide', namespace: 'sage' });
    const none = await magi.call('hyperrag_query', { query: 'tide', namespace: 'nobody' });
    expect(other.error).toBe(none.error?.replace('nobody', 'sage'));
    expect(other.reason).toBe('UNAUTHORIZED_ACCESS');
    expect((await magi.call('hyperrag_graph', { entity: 'Marta Okonkwo' })).error).toMatch(/^Unknown entity/);
    const { contents } = await magi.client.readResource({ uri: 'hyperrag://stats' });
    expect(JSON.stringify(contents)).not.toContain('sage');
    await expect(magi.client.readResource({ uri: 'hyperrag://entity/Marta%20Okonkwo' })).rejects.toMatchObject({
      code: -32602,
    });
    const [theirs] = await sage.list('hyperrag_query', 'results', { query: 'Who directed The Silent Tide?' });
    const judged = await magi.call('hyperrag_feedback', { passage_id: theirs!.passage_id, verdict: 'supports' });
    expect(judged.error).toMatch(/^Unknown passage/);
  });

  it('[H2] what is shared is found by all, and changed by its author only', async () => {
    const shared = [{ id: 'rule', title: 'Harvest rule', text: 'The harvest begins when the storks leave.' }];
    await sage.call('hyperrag_ingest', { documents: shared, namespace: 'shared' });
    const [found] = await magi.list('hyperrag_query', 'results', { query: 'When does the harvest begin?' });
    expect(found).toMatchObject({ document_id: 'rule', namespace: 'shared', source: 'sage' });
    const forged = [{ ...shared[0], text: 'The harvest begins in spring.' }];
    const { value } = await magi.call('hyperrag_ingest', { documents: forged, namespace: 'shared' });
    expect(value).toMatchObject({ documents: 0, skipped: [{ id: 'rule' }] });
  });

  it('[H2] an agent that is called "shared" reads the shared namespace under that word, and keeps its own', async () => {
    const impostor = await hyperrag.agent('shared');
    await impostor.call('hyperrag_memory', { action: 'store', content: 'a secret of the impostor' });
    const [stored] = await impostor.list('hyperrag_memory', 'memories', { action: 'list' });
    expect(stored).toMatchObject({ author: 'shared' });
    expect(await magi.list('hyperrag_memory', 'memories', { action: 'list' })).toEqual([]);
  });
});

describe('hyperrag_graph', () => {
  it('[H4] walks from name to name with the words between them and their passages', async () => {
    const { value } = await sage.call('hyperrag_graph', { entity: 'marta okonkwo', depth: 2 });
    expect(value.entities).toEqual(
      expect.arrayContaining([
        { name: 'Marta Okonkwo', passages: 2, distance: 0 },
        { name: 'Port Velen', passages: 2, distance: 1 },
      ]),
    );
    expect(value.relations).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ from: 'Marta Okonkwo', relation: 'She was born in', to: 'Port Velen' }),
      ]),
    );
    const { contents } = await sage.client.readResource({ uri: 'hyperrag://entity/Port%20Velen' });
    expect(JSON.stringify(contents)).toContain('copper lighthouse');
  });
});

describe('hyperrag_gaps', () => {
  it('[H8] tells what was asked in vain, to who asked, until it is answered', async () => {
    const question = 'Who repaired the astronomical clock of Brenn?';
    await magi.list('hyperrag_query', 'results', { query: question });
    await magi.list('hyperrag_query', 'results', { query: `${question} ` });
    expect(await magi.list('hyperrag_gaps', 'gaps', { min_times: 2 })).toMatchObject([{ question, times: 2 }]);
    expect(await sage.list('hyperrag_gaps', 'gaps', { min_times: 2 })).toEqual([]);
    const { messages } = await magi.client.getPrompt({ name: 'find_knowledge_gaps', arguments: {} });
    expect(JSON.stringify(messages)).toContain('astronomical clock');
    const text = 'The astronomical clock of Brenn was repaired by Ida Lund in 1902.';
    await magi.call('hyperrag_ingest', { documents: [{ id: 'clock', title: 'Astronomical clock of Brenn', text }] });
    const [answer] = await magi.list('hyperrag_query', 'results', { query: question });
    expect(answer?.confidence).toBeGreaterThanOrEqual(0.4);
    expect(await magi.list('hyperrag_gaps', 'gaps', { min_times: 2 })).toEqual([]);
  });
});

describe('prompts', () => {
  it('[H2] answer_with_citations lays the passages with their ids before the model', async () => {
    const { messages } = await sage.client.getPrompt({
      name: 'answer_with_citations',
      arguments: { question: 'Who directed The Silent Tide?' },
    });
    expect(JSON.stringify(messages)).toMatch(/passage_id.*p\d+/);
    expect(JSON.stringify(messages)).toContain('Marta Okonkwo');
  });
});
