/**
 * Vectors from an ONNX model in a folder, on this machine. The two packages that it needs are large and optional: they are loaded
 * only here, and where they are missing the error says what to install. Downloads nothing.
 */
import fs from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { checkVectors, type Embedder, EmbedderError } from './embedder.ts';

/** What is used of `@huggingface/tokenizers`. */
interface Tokenizer {
  encode(text: string): { readonly ids: readonly number[] };
}

interface Tensor {
  readonly data: unknown;
  readonly dims: readonly number[];
}

/** What is used of `onnxruntime-node`. */
interface Session {
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  run(feeds: Readonly<Record<string, Tensor>>): Promise<Readonly<Record<string, Tensor>>>;
  release(): Promise<void>;
}
interface Runtime {
  readonly Tensor: new (type: 'int64', data: BigInt64Array, dims: readonly number[]) => Tensor;
  readonly InferenceSession: { create(file: string): Promise<Session> };
}

/** Gives a package, or fails with the code `ERR_MODULE_NOT_FOUND`. */
export type LoadPackage = (name: string) => Promise<unknown>;

const RUNTIME = 'onnxruntime-node';
const TOKENIZERS = '@huggingface/tokenizers';
/** Where models for Transformers.js and others lie in their folder. */
const MODEL_FILES = ['model.onnx', 'onnx/model.onnx', 'onnx/model_quantized.onnx', 'model_quantized.onnx'];
const MOST_TOGETHER = 16;
/** Unless the folder says fewer. */
const MOST_TOKENS = 512;

const isFunction = (value: unknown) => typeof value === 'function';
const runtimeSchema = z.looseObject({
  Tensor: z.custom<Runtime['Tensor']>(isFunction),
  InferenceSession: z.custom<Runtime['InferenceSession']>((value) => isFunction(Reflect.get(Object(value), 'create'))),
});
const tokenizersSchema = z.looseObject({
  Tokenizer: z.custom<new (tokenizer: unknown, config: unknown) => Tokenizer>(isFunction),
});
const configSchema = z.looseObject({ model_max_length: z.number().min(2).optional() });

/** @throws EmbedderError when a package or a file is missing, or the model is of another kind */
export async function openOnnxEmbedder(folder: string, load: LoadPackage = (name) => import(name)): Promise<Embedder> {
  const runtime = await optional(RUNTIME, runtimeSchema, load);
  const { Tokenizer } = await optional(TOKENIZERS, tokenizersSchema, load);
  const config = configSchema.parse((await readJson(folder, 'tokenizer_config.json')) ?? {});
  const tokenizer = new Tokenizer(await needJson(folder, 'tokenizer.json'), config);
  const mostTokens = Math.min(MOST_TOKENS, config.model_max_length ?? MOST_TOKENS);
  const file = await findModel(folder);
  const session = await runtime.InferenceSession.create(file).catch((cause: unknown) => {
    throw new EmbedderError(`"${path.basename(file)}" is no ONNX model that the runtime can load.`, { cause });
  });
  const stat = await fs.stat(file);

  async function embedTogether(texts: readonly string[]): Promise<Float32Array[]> {
    const rows = texts.map((text) => tokenizer.encode(text).ids.slice(0, mostTokens));
    const width = Math.max(1, ...rows.map(({ length }) => length));
    const dims = [rows.length, width];
    const fill = (value: (ids: readonly number[], at: number) => number) => {
      const data = BigInt64Array.from(
        rows.flatMap((ids) => Array.from({ length: width }, (_, at) => BigInt(value(ids, at)))),
      );
      return new runtime.Tensor('int64', data, dims);
    };
    const known = new Map([
      ['input_ids', () => fill((ids, at) => ids[at] ?? 0)],
      ['attention_mask', () => fill((ids, at) => (at < ids.length ? 1 : 0))],
      ['token_type_ids', () => fill(() => 0)],
    ]);
    const feeds = session.inputNames.map((name) => {
      const make = known.get(name);
      if (!make) throw new EmbedderError(`The model asks for "${name}"; it is no model for embeddings of texts.`);
      return [name, make()] as const;
    });
    const result = await session.run(Object.fromEntries(feeds));
    return pool(
      result[outputOf(session)],
      rows.map(({ length }) => length),
    );
  }

  return {
    name: `onnx#${path.basename(folder)}@${stat.size}`,
    async embed(texts, { signal }) {
      const vectors: Float32Array[] = [];
      for (let at = 0; at < texts.length; at += MOST_TOGETHER) {
        signal.throwIfAborted();
        vectors.push(...(await embedTogether(texts.slice(at, at + MOST_TOGETHER))));
      }
      checkVectors(vectors, texts.length);
      return vectors;
    },
    close: () => session.release(),
  };
}

/** Sentence vectors as they are; vectors of tokens as the mean over a text's tokens. */
export function pool(output: Tensor | undefined, lengths: readonly number[]): Float32Array[] {
  const { data, dims } = output ?? { data: undefined, dims: [] };
  const [count, width = 0, depth] = dims;
  if (!(data instanceof Float32Array) || count !== lengths.length || dims.length > 3 || width === 0) {
    throw new EmbedderError('The model gives no vectors of 32-bit numbers; it is no model for embeddings of texts.');
  }
  if (depth === undefined) return lengths.map((_, n) => data.slice(n * width, (n + 1) * width));
  return lengths.map((length, n) => {
    const mean = new Float32Array(depth);
    for (let at = 0; at < length; at++) {
      const from = (n * width + at) * depth;
      for (let k = 0; k < depth; k++) mean[k]! += data[from + k]! / length;
    }
    return mean;
  });
}

function outputOf({ outputNames }: Session): string {
  return outputNames.find((name) => name === 'sentence_embedding') ?? outputNames[0] ?? '';
}

async function optional<T extends z.ZodType>(name: string, schema: T, load: LoadPackage): Promise<z.output<T>> {
  try {
    return schema.parse(await load(name));
  } catch (cause) {
    const isMissing = cause instanceof Error && 'code' in cause && cause.code === 'ERR_MODULE_NOT_FOUND';
    const text = isMissing
      ? `For HYPERRAG_EMBEDDER=onnx:… install two packages beside this one: npm install ${RUNTIME}@1.30.0 ${TOKENIZERS}@0.2.0`
      : `The package ${name} that is installed cannot be used; install ${RUNTIME}@1.30.0 and ${TOKENIZERS}@0.2.0.`;
    throw new EmbedderError(text, { cause });
  }
}

async function findModel(folder: string): Promise<string> {
  for (const name of MODEL_FILES) {
    const file = path.join(folder, name);
    const stat = await fs.stat(file).catch(() => undefined);
    if (stat?.isFile()) return file;
  }
  throw new EmbedderError(`The folder of HYPERRAG_EMBEDDER holds no model; looked for ${MODEL_FILES.join(', ')}.`);
}

async function needJson(folder: string, name: string): Promise<unknown> {
  const value = await readJson(folder, name);
  if (value === undefined) throw new EmbedderError(`The folder of HYPERRAG_EMBEDDER holds no readable ${name}.`);
  return value;
}

async function readJson(folder: string, name: string): Promise<unknown> {
  try {
    return JSON.parse(await fs.readFile(path.join(folder, name), 'utf8'));
  } catch {
    return undefined;
  }
}
