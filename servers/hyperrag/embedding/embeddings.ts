/**
 * Makes the vectors of the chosen embedder in the background, a batch at a time, for whatever passages lack one, and of questions
 * when they are asked. One of several processes on the file does it; what fails is tried again later. Ranks nothing.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { LRUCache } from 'lru-cache';
import type { Log } from '../../../shared/log.ts';
import type { Documents, StoredPassage } from '../store/documents.ts';
import type { Vectors } from '../store/vectors.ts';
import { type Embedder, EmbedderError } from './embedder.ts';

export interface EmbeddingStatus {
  /** undefined while it could not be opened. */
  readonly embedder: string | undefined;
  /** `waiting`: it was not looked yet, or another process makes them. */
  readonly state: 'waiting' | 'embedding' | 'ready' | 'failing';
  readonly embedded: number;
  readonly passages: number;
  /** What is wrong and what to do, while it is failing. */
  readonly problem: string | undefined;
}

export interface Embeddings {
  /** The vectors there are; undefined while the embedder is not open. */
  readonly vectors: Vectors | undefined;
  /** The question's vector; undefined while too many passages lack theirs, or when the embedder does not answer in time. */
  query(text: string): Promise<Float32Array | undefined>;
  status(): EmbeddingStatus;
  close(): Promise<void>;
}

export interface EmbeddingParts {
  /** Called in the background; when it fails that is told and tried again. */
  readonly open: () => Promise<Embedder>;
  readonly vectorsOf: (name: string) => Vectors;
  readonly documents: Documents;
  readonly nowMs: () => number;
  readonly newId: () => string;
  readonly log: Log;
  /** Between two looks for passages without a vector, and after a failure. */
  readonly lookMs?: number;
  readonly retryMs?: number;
}

const BATCH = 64;
const ATTEMPTS = 5;
const LOOK_MS = 2_000;
const RETRY_MS = 30_000;
const LEASE_MS = 120_000;
/** A question does not wait longer than this; then the built-in vectors serve. */
const QUESTION_MS = 3_000;
const MOST_QUESTIONS = 1_000;
/** After this long unused the vectors of another embedder go. */
const KEEP_OTHERS_MS = 7 * 86_400_000;
/** Questions go by the embedder's vectors when so many passages have one: an index with few would hide the others. */
const USABLE_SHARE = 0.9;
/** Progress is logged after so many batches. */
const TOLD_EVERY = 50;

/** What an embedder reads of a passage. */
function textToEmbed({ heading, text, document }: StoredPassage): string {
  return [document.title, heading, text].filter((part) => part !== '').join('\n');
}

export function createEmbeddings(parts: EmbeddingParts): Embeddings {
  const { open, vectorsOf, documents, nowMs, newId, log, lookMs = LOOK_MS, retryMs = RETRY_MS } = parts;
  const holder = newId();
  const ending = new AbortController();
  const questions = new LRUCache<string, Float32Array>({ max: MOST_QUESTIONS });
  let using: { readonly embedder: Embedder; readonly vectors: Vectors } | undefined;
  let state: EmbeddingStatus['state'] = 'waiting';
  let problem: string | undefined;
  let isUsable = false;
  /** All passages up to this one have their vector. */
  let done = 0;

  async function opened() {
    if (using) return using;
    const embedder = await open();
    using = { embedder, vectors: vectorsOf(embedder.name) };
    return using;
  }

  function judge(vectors: Vectors): void {
    const { embedded, passages } = vectors.counts();
    isUsable = embedded > 0 && embedded >= passages * USABLE_SHARE;
  }

  async function catchUp(): Promise<void> {
    const { embedder, vectors } = await opened();
    for (let batches = 1; ; batches++) {
      const keys = vectors.missing(done, BATCH);
      if (keys.length === 0) break;
      if (!vectors.lease(holder, nowMs(), nowMs() + LEASE_MS)) {
        state = 'waiting';
        judge(vectors);
        return;
      }
      state = 'embedding';
      const passages = documents.passages(keys);
      const made = await embedder.embed(passages.map(textToEmbed), { signal: ending.signal, attempts: ATTEMPTS });
      vectors.put(new Map(passages.map(({ key }, n) => [key, made[n]!])));
      done = keys.at(-1)!;
      if (batches % TOLD_EVERY === 0) {
        judge(vectors);
        log.info({ ...vectors.counts() }, 'passages are being embedded');
      }
    }
    if (state === 'ready') return;
    vectors.release(holder);
    vectors.forgetOthers(nowMs() - KEEP_OTHERS_MS);
    judge(vectors);
    state = 'ready';
    problem = undefined;
    log.info({ ...vectors.counts() }, 'all passages are embedded');
  }

  function fail(cause: unknown): void {
    using?.vectors.release(holder);
    const isTold = cause instanceof EmbedderError || cause instanceof RangeError;
    const text = isTold ? cause.message : 'The vectors could not be made; the log has the cause.';
    if (problem !== text) log.warn({ cause }, 'passages could not be embedded; the built-in vectors serve meanwhile');
    problem = text;
    state = 'failing';
  }

  async function work(): Promise<void> {
    // Not in the way of the start.
    await rest(0);
    while (!ending.signal.aborted) {
      try {
        await catchUp();
      } catch (cause) {
        if (ending.signal.aborted) return;
        fail(cause);
      }
      await rest(state === 'failing' ? retryMs : lookMs);
    }
  }

  const rest = (ms: number) => sleep(ms, undefined, { signal: ending.signal, ref: false }).catch(() => undefined);
  const working = work();
  return {
    get vectors() {
      return using?.vectors;
    },
    async query(text) {
      if (!using || !isUsable) return undefined;
      const known = questions.get(text);
      if (known) return known;
      try {
        const signal = AbortSignal.any([ending.signal, AbortSignal.timeout(QUESTION_MS)]);
        const [vector] = await using.embedder.embed([text], { signal, attempts: 1 });
        if (vector) questions.set(text, vector);
        return vector;
      } catch (cause) {
        if (!ending.signal.aborted) log.warn({ cause }, 'a question could not be embedded; the built-in vectors serve');
        return undefined;
      }
    },
    status() {
      const counts = using?.vectors.counts() ?? { embedded: 0, passages: 0 };
      return { embedder: using?.embedder.name, state, problem, ...counts };
    },
    async close() {
      ending.abort();
      await working;
      using?.vectors.release(holder);
      await using?.embedder.close();
    },
  };
}
