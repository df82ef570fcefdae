import fs from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { EmbedderError } from '../../../../servers/hyperrag/embedding/embedder.ts';
import { openOnnxEmbedder, pool } from '../../../../servers/hyperrag/embedding/onnx.ts';
import { tempFolder } from '../../../fixtures/hyperrag/knowledge.ts';

let folder: string;
beforeEach(() => {
  folder = tempFolder();
});
afterEach(() => fs.rmSync(folder, { recursive: true, force: true }));

/** As Node says it of a package that is not installed. */
const missing = async (name: string) => {
  throw Object.assign(new Error(`Cannot find package '${name}'`), { code: 'ERR_MODULE_NOT_FOUND' });
};
const failure = (work: Promise<unknown>) => work.catch((error: unknown) => error);

it('[H9] says in one sentence what to install when the packages are missing', async () => {
  const error = await failure(openOnnxEmbedder(folder, missing));
  expect(error).toBeInstanceOf(EmbedderError);
  expect((error as Error).message).toMatch(
    /^For HYPERRAG_EMBEDDER=onnx:… install two packages.*npm install onnxruntime-node@/,
  );
});

it('[H9] says so when a package is another than it should be', async () => {
  expect(String(await failure(openOnnxEmbedder(folder, async () => ({}))))).toContain('cannot be used');
});

it('[H9] says which file the folder lacks', async () => {
  const load = async () => ({ Tensor: class {}, InferenceSession: { create() {} }, Tokenizer: class {} });
  expect(String(await failure(openOnnxEmbedder(folder, load)))).toContain('no readable tokenizer.json');
  fs.writeFileSync(path.join(folder, 'tokenizer.json'), '{}');
  expect(String(await failure(openOnnxEmbedder(folder, load)))).toContain('holds no model; looked for model.onnx');
});

it("[H9] takes a text's vector as the mean over its own tokens, not over what fills the row up", () => {
  const data = Float32Array.of(1, 2, 3, 4, 9, 9, 5, 6, 7, 8, 9, 10);
  expect(pool({ data, dims: [2, 3, 2] }, [2, 3])).toEqual([Float32Array.of(2, 3), Float32Array.of(7, 8)]);
});

it('[H9] takes vectors of whole texts as they are, and nothing else for vectors', () => {
  const data = Float32Array.of(1, 2, 3, 4);
  expect(pool({ data, dims: [2, 2] }, [5, 1])).toEqual([Float32Array.of(1, 2), Float32Array.of(3, 4)]);
  expect(() => pool({ data: BigInt64Array.of(1n), dims: [1, 1] }, [1])).toThrow(EmbedderError);
  expect(() => pool(undefined, [1])).toThrow('no model for embeddings');
});
