import fs from 'node:fs';
import path from 'node:path';
import zlib from 'node:zlib';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { absoluteMean, packTernary, quantiseTernary, unpackTernary } from '../../../../servers/fog/forge/bitnet.ts';
import { decodeFloats } from '../../../../servers/fog/forge/dtypes.ts';
import { evoMerge, merge } from '../../../../servers/fog/forge/evo-merge.ts';
import { pack, quantiseRow, quantiseRows } from '../../../../servers/fog/forge/final-compression.ts';
import { openSafetensors } from '../../../../servers/fog/forge/safetensors.ts';
import { AppError } from '../../../../shared/errors.ts';
import { newFolder } from '../../../fixtures/fog/money.ts';
import { floats, writeModel, writeRaw } from '../../../fixtures/fog/tensors.ts';

const folder = newFolder();
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));
const place = (name: string) => path.join(folder, name);
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

function contents(file: string): Record<string, string> {
  const opened = openSafetensors(file);
  const found = [...opened.tensors.values()].map(({ name, dtype, shape }) => [
    name,
    `${dtype}[${shape.join()}] ${hex(opened.read(name))}`,
  ]);
  opened.close();
  return Object.fromEntries(found) as Record<string, string>;
}

describe('BitNet', () => {
  it('[J3] makes of each weight -1, 0 or 1 times the mean of their sizes, four to a byte', () => {
    // |1| + |-2| + |0.25| + |-0.75| + |3| + |-1| = 8; the mean of 6 is 4/3; half of it 2/3.
    const source = writeModel(place('b.safetensors'), [
      floats('layer', 'F32', [2, 3], [1, -2, 0.25, -0.75, 3, -1]),
      floats('bias', 'F16', [2], [0.5, 1]),
    ]);
    const report = quantiseTernary(source, place('b.out'));
    // Codes 1+1, -1+1, 0+1, -1+1, 1+1, -1+1 = 2 0 1 0 | 2 0, the rest 1 1: 0b00010010, 0b01010010.
    expect(contents(place('b.out'))).toEqual({
      layer: 'U8[2] 1252',
      'layer.scale': 'F32[1] abaaaa3f',
      bias: 'F16[2] 0038003c',
    });
    const scale = Math.fround(4 / 3);
    const error =
      (1 - scale) ** 2 + (2 - scale) ** 2 + 0.25 ** 2 + (0.75 - scale) ** 2 + (3 - scale) ** 2 + (1 - scale) ** 2;
    const squares = 1 + 4 + 0.0625 + 0.5625 + 9 + 1;
    expect(report).toMatchObject({ tensors: 2, bytesBefore: 28, bytesAfter: 10 });
    expect(report.relativeError).toBeCloseTo(error / squares, 12);
    expect(report.quantised).toHaveLength(1);
    expect(report.quantised[0]!.meanSquaredError).toBeCloseTo(error / 6, 12);
  });

  it('[J3] packs and unpacks any weights to the nearest of the three', () => {
    fc.assert(
      fc.property(fc.float32Array({ noNaN: true, noDefaultInfinity: true, maxLength: 33 }), (weights) => {
        const tame = weights.map((weight) => Math.max(-1e30, Math.min(1e30, weight)));
        const scale = absoluteMean(tame);
        const codes = unpackTernary(packTernary(tame, scale), tame.length);
        for (const [i, code] of codes.entries()) {
          const distance = Math.abs(tame[i]! - code * scale);
          for (const other of [-1, 0, 1]) expect(distance).toBeLessThanOrEqual(Math.abs(tame[i]! - other * scale));
        }
      }),
    );
  });

  it('[J3] leaves a tensor of zeros zero, and refuses what is no number', () => {
    writeModel(place('z'), [floats('w', 'BF16', [1, 4], [0, 0, 0, 0])]);
    expect(quantiseTernary(place('z'), place('z.out')).relativeError).toBe(0);
    expect(contents(place('z.out')).w).toBe('U8[1] 55');
    for (const bad of [Number.NaN, Number.POSITIVE_INFINITY]) {
      writeModel(place('n'), [floats('w', 'F32', [1, 2], [1, bad])]);
      expect(() => quantiseTernary(place('n'), place('n.out'))).toThrow(/no finite number/);
      expect(() => quantiseRows(place('n'), place('n.out'))).toThrow(AppError);
      expect(fs.readdirSync(folder).filter((name) => name.startsWith('n.out'))).toEqual([]);
    }
  });

  it('[J3] refuses a model in which a scale would take the place of a tensor', () => {
    writeModel(place('c'), [floats('w', 'F32', [1, 1], [1]), floats('w.scale', 'F32', [1], [9])]);
    expect(() => quantiseTernary(place('c'), place('c.out'))).toThrow(/two tensors are to be named/);
  });
});

describe('Final Compression', () => {
  it('[J3] makes 8-bit numbers of each row by its own largest weight', () => {
    const source = writeModel(place('f'), [
      floats('w', 'F32', [3, 2], [127, -63.5, 0, 0, -0.254, 0.127]),
      floats('norm', 'F32', [1], [7]),
    ]);
    const report = quantiseRows(source, place('f.out'));
    // 127/1 = 127, -63.5 → -64 (half goes away from zero); zeros; -0.254/0.002 = -127, 0.127/0.002 = 63.5 → 64 (just above by the float).
    const scale = Math.fround(Math.fround(0.254) / 127);
    const last = Math.floor(Math.fround(0.127) / scale + 0.5);
    const scales = Buffer.alloc(12);
    scales.writeFloatLE(1, 0);
    scales.writeFloatLE(scale, 8);
    expect(contents(place('f.out'))).toEqual({
      w: `I8[3,2] 7fc0000081${last.toString(16)}`,
      'w.scale': `F32[3] ${scales.toString('hex')}`,
      norm: 'F32[1] 0000e040',
    });
    expect(report).toMatchObject({ tensors: 2, bytesBefore: 28, bytesAfter: 22 });
  });

  it('[J3] is never off by more than half a step', () => {
    fc.assert(
      fc.property(fc.float32Array({ noNaN: true, noDefaultInfinity: true, minLength: 1, maxLength: 40 }), (given) => {
        const row = given.map((weight) => Math.max(-1e30, Math.min(1e30, weight)));
        const { scale, codes } = quantiseRow(row);
        for (const [i, code] of codes.entries()) {
          expect(Math.abs(row[i]! - code * scale)).toBeLessThanOrEqual(scale * 0.501 + 2 ** -126);
        }
      }),
    );
  });

  it('[J3] packs to the same bytes each time, and they unpack to the same file', async () => {
    const source = writeModel(place('p'), [
      floats(
        'w',
        'F32',
        [4, 64],
        Array.from({ length: 256 }, (_, i) => Math.sin(i)),
      ),
    ]);
    quantiseRows(source, place('p.out'));
    await pack(place('p.out'), place('p.1'));
    await pack(place('p.out'), place('p.2'));
    expect(fs.readFileSync(place('p.1'))).toEqual(fs.readFileSync(place('p.2')));
    expect(zlib.gunzipSync(fs.readFileSync(place('p.1')))).toEqual(fs.readFileSync(place('p.out')));
  });

  it('[J3] lets through what is quantised already', () => {
    writeModel(place('q'), [floats('w', 'F32', [2, 2], [1, -1, 2, 0])]);
    quantiseTernary(place('q'), place('q.bit'));
    quantiseRows(place('q.bit'), place('q.out'));
    expect(contents(place('q.out'))).toEqual(contents(place('q.bit')));
  });
});

describe('EvoMerge', () => {
  const a = () => writeModel(place('ea'), [floats('w', 'F32', [1, 2], [1, 0]), floats('h', 'F16', [1], [1])]);
  const b = () => writeModel(place('eb'), [floats('w', 'F32', [1, 2], [0, 1]), floats('h', 'F16', [1], [2])]);

  it('[J3] adds up the models by their weights, bit by bit', () => {
    const files = [openSafetensors(a()), openSafetensors(b())];
    merge(files, [0.25, 0.75], place('m'));
    for (const file of files) file.close();
    // 0.25 and 0.75 as floats; 0.25 + 1.5 = 1.75 as a half.
    expect(contents(place('m'))).toEqual({ w: 'F32[1,2] 0000803e0000403f', h: 'F16[1] 003f' });
  });

  it('[J3] finds the weights that score best, the same ones for the same seed', async () => {
    const models = [a(), b()];
    const target = [0.3, 0.7];
    const score = async (file: string) => {
      const opened = openSafetensors(file);
      const weights = decodeFloats(opened.read('w'), 'F32');
      opened.close();
      return -((weights[0]! - target[0]!) ** 2 + (weights[1]! - target[1]!) ** 2);
    };
    const run = (seed: number) =>
      evoMerge({ models, target: place('best'), candidate: place('try'), generations: 25, population: 8, seed, score });
    const first = await run(1);
    expect(first.bestScore).toBeGreaterThan(-1e-3);
    expect(first.bestScore).toBeGreaterThan(Math.max(...first.scoresAlone));
    expect(first.weights[0]! + first.weights[1]!).toBeCloseTo(1, 12);
    expect(first.history).toEqual(first.history.toSorted((x, y) => x - y));
    expect(await score(place('best'))).toBe(first.bestScore);
    expect(await run(1)).toEqual(first);
    expect((await run(2)).history).not.toEqual(first.history);
  });

  it('[J3] refuses models that are not alike, one model, and hostile ones, before anything is scored', async () => {
    const other = writeModel(place('eo'), [floats('w', 'F32', [2, 1], [0, 1]), floats('h', 'F16', [1], [2])]);
    const less = writeModel(place('el'), [floats('w', 'F32', [1, 2], [0, 1])]);
    const hostile = writeRaw(place('eh'), '{"w":', 0);
    let scored = 0;
    const run = (...models: string[]) =>
      evoMerge({
        models,
        target: place('none'),
        candidate: place('none.try'),
        generations: 1,
        population: 2,
        seed: 1,
        score: async () => ++scored,
      });
    await expect(run(a(), other)).rejects.toThrow(/another shape/);
    await expect(run(a(), less)).rejects.toThrow(/1 tensors, not 2/);
    await expect(run(a())).rejects.toThrow(/at least two/);
    await expect(run(a(), hostile)).rejects.toThrow(/no JSON object/);
    expect(scored).toBe(0);
    expect(fs.existsSync(place('none'))).toBe(false);
  });
});
