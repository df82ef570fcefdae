import { afterEach, beforeEach, expect, it } from 'vitest';
import { EmbedderError } from '../../../../servers/hyperrag/embedding/embedder.ts';
import { createOpenAiEmbedder } from '../../../../servers/hyperrag/embedding/openai.ts';
import { EmbeddingEndpoint, type Reply } from '../../../fixtures/hyperrag/embedding-endpoint.ts';

let endpoint: EmbeddingEndpoint;
const signal = new AbortController().signal;

beforeEach(async () => {
  endpoint = await EmbeddingEndpoint.open((text) => [text.length, 1, 0]);
});
afterEach(() => endpoint.close());

const open = (key?: string) =>
  createOpenAiEmbedder(
    { kind: 'openai', url: `${endpoint.url}/`, model: 'small', key },
    { retryMs: 1, timeoutMs: 300 },
  );
const failure = async (work: Promise<unknown>) =>
  work.then(
    () => undefined,
    (error: unknown) => error,
  );

it('[H9] asks in batches, with the key, and puts the vectors into the order of the texts', async () => {
  const texts = Array.from({ length: 150 }, (_, n) => 'x'.repeat(n + 1));
  const vectors = await open('sesame').embed(texts, { signal, attempts: 1 });
  expect(vectors.map(([first]) => first)).toEqual(texts.map(({ length }) => length));
  expect(endpoint.asked.map(({ input }) => input.length)).toEqual([64, 64, 22]);
  expect(endpoint.asked[0]).toMatchObject({ model: 'small', authorization: 'Bearer sesame' });
});

it('[H9] keeps batches of long texts short', async () => {
  await open().embed(
    Array.from({ length: 5 }, () => 'y'.repeat(40_000)),
    { signal, attempts: 1 },
  );
  expect(endpoint.asked.map(({ input }) => input.length)).toEqual([2, 2, 1]);
  expect(endpoint.asked[0]!.authorization).toBeUndefined();
});

it('[H9] tries again what may pass: slow down, failures of the server', async () => {
  endpoint.replies.push({ status: 429, headers: { 'retry-after': '0' } }, { status: 503 });
  expect(await open().embed(['a'], { signal, attempts: 3 })).toHaveLength(1);
  expect(endpoint.asked).toHaveLength(3);
});

it('[H9] gives up after so many tries', async () => {
  endpoint.replies.push({ status: 500 }, { status: 500 }, { status: 500 });
  const error = await failure(open().embed(['a'], { signal, attempts: 2 }));
  expect(error).toBeInstanceOf(EmbedderError);
  expect(String(error)).toContain('The embedder failed (500)');
  expect(endpoint.asked).toHaveLength(2);
});

it.each<[string, Reply, string]>([
  ['a refused key', { status: 401 }, 'set HYPERRAG_EMBEDDER_KEY'],
  ['an unknown model', { status: 404 }, 'knows no model "small"'],
  ['a refused request', { status: 400 }, 'is "small" a model for embeddings?'],
  ['something else than embeddings', { body: { hello: 1 } }, 'no list of embeddings'],
  ['too few vectors', { body: { data: [] } }, '0 vectors for 2 texts'],
  [
    'vectors of different lengths',
    {
      body: {
        data: [
          { index: 0, embedding: [1, 2] },
          { index: 1, embedding: [1] },
        ],
      },
    },
    'different lengths',
  ],
  [
    'a redirect',
    { status: 307, headers: { location: 'http://127.0.0.1:9/v1/embeddings' } },
    'The embedder cannot be reached',
  ],
])('[H9] says what is wrong at %s, at once and without the address', async (_, reply, message) => {
  endpoint.replies.push(reply);
  const error = await failure(open('sesame').embed(['a', 'b'], { signal, attempts: 1 }));
  expect(error).toBeInstanceOf(EmbedderError);
  expect((error as Error).message).toContain(message);
  expect((error as Error).message).not.toMatch(/127\.0\.0\.1|sesame/);
  expect(endpoint.asked).toHaveLength(1);
});

it('[H9] waits no longer than its time, and ends when it is told to', async () => {
  endpoint.gate = new Promise(() => undefined);
  expect(String(await failure(open().embed(['a'], { signal, attempts: 1 })))).toContain('did not answer within 0.3 s');
  const abort = new AbortController();
  const embedding = failure(open().embed(['a'], { signal: abort.signal, attempts: 9 }));
  abort.abort();
  expect(await embedding).toMatchObject({ name: 'AbortError' });
});

it('[H9] is another embedder at another address or with another model, and names neither host nor path', () => {
  const name = (url: string, model: string) => createOpenAiEmbedder({ kind: 'openai', url, model }).name;
  const names = [
    name('http://127.0.0.1:1/v1', 'a'),
    name('http://127.0.0.1:2/v1', 'a'),
    name('http://127.0.0.1:1/v1', 'b'),
  ];
  expect(new Set(names).size).toBe(3);
  expect(names[0]).toMatch(/^openai#a@[0-9a-f]{8}$/);
});
