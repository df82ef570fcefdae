/**
 * Embeds with the real ONNX runtime and a tiny model made here: `npm run soak -- onnx [--packages FOLDER]`, FOLDER being where
 * `npm install onnxruntime-node@1.30.0 @huggingface/tokenizers@0.2.0` was run. Fails when the packages are not there.
 */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { findPackageJSON } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { type LoadPackage, openOnnxEmbedder } from '../../servers/hyperrag/embedding/onnx.ts';

const VOCABULARY = ['[UNK]', '[PAD]', 'stove', 'oven', 'spade', 'rake'];
const DEPTH = 2;
const WEIGHTS = Float32Array.of(0.1, 0.1, 9, 9, 1, 0, 1, 0, 0, 1, 0, 1);

type Field = readonly [number: number, value: number | string | Uint8Array];

/** A message of Protocol Buffers: numbers as varints, everything else with its length before it. */
function message(...fields: readonly Field[]): Uint8Array {
  const varint = (value: number): number[] => (value < 128 ? [value] : [(value & 127) | 128, ...varint(value >>> 7)]);
  return Buffer.concat(
    fields.map(([number, value]) => {
      if (typeof value === 'number') return Uint8Array.from([...varint(number << 3), ...varint(value)]);
      const octets = Buffer.from(value);
      return Buffer.concat([Uint8Array.from([...varint((number << 3) | 2), ...varint(octets.length)]), octets]);
    }),
  );
}

/** `Gather(weights, input_ids)`: one vector a token (ONNX IR 8, operators 13). */
function tinyModel(): Uint8Array {
  const [FLOAT, INT64] = [1, 7];
  const shaped = (name: string, type: number, dims: readonly (number | string)[]) => {
    const shape = message(
      ...dims.map((dim): Field => [1, typeof dim === 'number' ? message([1, dim]) : message([2, dim])]),
    );
    return message([1, name], [2, message([1, message([1, type], [2, shape])])]);
  };
  const gather = message([1, 'weights'], [1, 'input_ids'], [2, 'last_hidden_state'], [4, 'Gather']);
  const octets = new Uint8Array(WEIGHTS.buffer);
  const weights = message([1, VOCABULARY.length], [1, DEPTH], [2, FLOAT], [8, 'weights'], [9, octets]);
  const graph = message(
    [1, gather],
    [2, 'tiny'],
    [5, weights],
    [11, shaped('input_ids', INT64, ['n', 'width'])],
    [12, shaped('last_hidden_state', FLOAT, ['n', 'width', DEPTH])],
  );
  return message([1, 8], [7, graph], [8, message([2, 13])]);
}

const { packages } = parseArgs({ options: { packages: { type: 'string' } } }).values;
const load: LoadPackage = async (name) => {
  const base = pathToFileURL(path.join(path.resolve(packages ?? '.'), 'package.json'));
  const file = findPackageJSON(name, base);
  if (file === undefined) throw Object.assign(new Error(`no package ${name}`), { code: 'ERR_MODULE_NOT_FOUND' });
  const { main } = JSON.parse(fs.readFileSync(file, 'utf8')) as { main: string };
  return import(pathToFileURL(path.join(path.dirname(file), main)).href);
};

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'onnx-'));
try {
  fs.writeFileSync(path.join(folder, 'model.onnx'), tinyModel());
  const tokenizer = {
    version: '1.0',
    added_tokens: [],
    normalizer: { type: 'Lowercase' },
    pre_tokenizer: { type: 'Whitespace' },
    post_processor: null,
    decoder: null,
    model: { type: 'WordLevel', vocab: Object.fromEntries(VOCABULARY.map((word, n) => [word, n])), unk_token: '[UNK]' },
  };
  fs.writeFileSync(path.join(folder, 'tokenizer.json'), JSON.stringify(tokenizer));
  const embedder = await openOnnxEmbedder(folder, load);
  const texts = ['Stove', 'oven stove', 'spade', 'rake rake oven oven'];
  const vectors = await embedder.embed(texts, { signal: new AbortController().signal, attempts: 1 });
  assert.deepEqual(
    vectors.map((vector) => [...vector]),
    [
      [1, 0],
      [1, 0],
      [0, 1],
      [0.5, 0.5],
    ],
  );
  await embedder.close();
  process.stdout.write(`${embedder.name}: ${vectors.length} texts embedded as expected\n`);
} finally {
  fs.rmSync(folder, { recursive: true, force: true });
}
