/**
 * Vectors from an OpenAI-compatible endpoint (`POST /embeddings`; OpenAI API reference, "Create embeddings"): in batches, tried
 * again where that helps. Sends texts nowhere but to the configured address, and follows no redirect.
 */
import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { checkVectors, type Embedder, type EmbedderChoice, EmbedderError, type EmbedOptions } from './embedder.ts';

export interface OpenAiOptions {
  /** Before the second try; each further one waits twice as long. */
  readonly retryMs?: number;
  readonly timeoutMs?: number;
}

/** Of one request. */
const MOST_TEXTS = 64;
const MOST_CHARACTERS = 100_000;
const MOST_BYTES = 64 * 2 ** 20;
const MOST_DIMENSIONS = 16_384;
/** However long a server asks to wait. */
const LONGEST_WAIT_MS = 60_000;

const answerSchema = z.looseObject({
  data: z
    .array(z.looseObject({ index: z.int().min(0), embedding: z.array(z.number()).min(1).max(MOST_DIMENSIONS) }))
    .max(MOST_TEXTS),
});

export function createOpenAiEmbedder(
  { url, model, key }: EmbedderChoice & { kind: 'openai' },
  { retryMs = 500, timeoutMs = 60_000 }: OpenAiOptions = {},
): Embedder {
  const address = `${url.replace(/\/+$/, '')}/embeddings`;
  // The same model elsewhere may be another; the address itself is nobody's business.
  const place = createHash('sha256').update(address).digest('hex').slice(0, 8);
  const headers = { 'content-type': 'application/json', ...(key !== undefined && { authorization: `Bearer ${key}` }) };

  async function ask(texts: readonly string[], signal: AbortSignal): Promise<Float32Array[]> {
    const body = JSON.stringify({ model, input: texts, encoding_format: 'float' });
    const limit = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
    let response: Response;
    let text: string | undefined;
    try {
      response = await fetch(address, { method: 'POST', headers, body, redirect: 'error', signal: limit });
      text = await readBounded(response);
    } catch (cause) {
      signal.throwIfAborted();
      const why = limit.aborted ? `did not answer within ${timeoutMs / 1_000} s` : 'cannot be reached';
      throw new EmbedderError(`The embedder ${why}; is the address in HYPERRAG_EMBEDDER right?`, {
        cause,
        mayPass: true,
      });
    }
    if (!response.ok) throw refusal(response, model);
    const parsed = answerSchema.safeParse(parse(text));
    if (!parsed.success) {
      throw new EmbedderError('What the embedder answered is no list of embeddings; is its address right?');
    }
    const vectors = parsed.data.data
      .sort((a, b) => a.index - b.index)
      .map(({ embedding }) => Float32Array.from(embedding));
    checkVectors(vectors, texts.length);
    return vectors;
  }

  async function tryTo(texts: readonly string[], { signal, attempts }: EmbedOptions): Promise<Float32Array[]> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await ask(texts, signal);
      } catch (error) {
        if (!(error instanceof EmbedderError && error.mayPass) || attempt >= attempts) throw error;
        const wait = error.retryAfterMs ?? retryMs * 2 ** (attempt - 1) * (0.5 + Math.random());
        await sleep(Math.min(LONGEST_WAIT_MS, wait), undefined, { signal });
      }
    }
  }

  return {
    name: `openai#${model}@${place}`,
    async embed(texts, options) {
      const vectors: Float32Array[] = [];
      for (const batch of batches(texts)) vectors.push(...(await tryTo(batch, options)));
      checkVectors(vectors, texts.length);
      return vectors;
    },
    async close() {},
  };
}

function* batches(texts: readonly string[]): Generator<string[]> {
  let batch: string[] = [];
  let length = 0;
  for (const text of texts) {
    if (batch.length === MOST_TEXTS || (batch.length > 0 && length + text.length > MOST_CHARACTERS)) {
      yield batch;
      batch = [];
      length = 0;
    }
    batch.push(text);
    length += text.length;
  }
  if (batch.length > 0) yield batch;
}

/** undefined when it is longer than the bound. */
async function readBounded(response: Response): Promise<string | undefined> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of response.body ?? []) {
    size += part.length;
    if (size > MOST_BYTES) return undefined;
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
}

function refusal({ status, headers }: Response, model: string): EmbedderError {
  const seconds = Number(headers.get('retry-after') ?? Number.NaN);
  const retryAfterMs = Number.isFinite(seconds) && seconds >= 0 ? seconds * 1_000 : undefined;
  if (status === 429) {
    return new EmbedderError('The embedder asks to slow down (429).', { mayPass: true, retryAfterMs });
  }
  if (status >= 500) return new EmbedderError(`The embedder failed (${status}).`, { mayPass: true, retryAfterMs });
  if (status === 401 || status === 403) {
    return new EmbedderError(`The embedder refuses the key (${status}); set HYPERRAG_EMBEDDER_KEY.`);
  }
  if (status === 404)
    return new EmbedderError(`The embedder knows no model "${model}" there, or no /embeddings (404).`);
  return new EmbedderError(`The embedder refuses the request (${status}); is "${model}" a model for embeddings?`);
}

function parse(text: string | undefined): unknown {
  try {
    return text === undefined ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}
