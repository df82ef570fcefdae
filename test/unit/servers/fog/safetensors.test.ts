import fs from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { decodeFloats, encodeFloats } from '../../../../servers/fog/forge/dtypes.ts';
import { LIMITS, openSafetensors, writeSafetensors } from '../../../../servers/fog/forge/safetensors.ts';
import { AppError } from '../../../../shared/errors.ts';
import { newFolder } from '../../../fixtures/fog/money.ts';
import { floats, writeModel, writeRaw } from '../../../fixtures/fog/tensors.ts';

const folder = newFolder();
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));
const place = (name = 'x.safetensors') => path.join(folder, name);

describe('number formats', () => {
  it.each([
    [0, 0x0000],
    [-0, 0x8000],
    [1, 0x3c00],
    [-2, 0xc000],
    [65_504, 0x7bff],
    [65_519.999, 0x7bff],
    [65_520, 0x7c00],
    [1e9, 0x7c00],
    [Number.NEGATIVE_INFINITY, 0xfc00],
    [2 ** -24, 0x0001],
    [2 ** -25, 0x0000],
    [2 ** -25 * 1.0001, 0x0001],
    [2 ** -14, 0x0400],
    [2 ** -14 - 2 ** -25, 0x0400],
    [1 / 3, 0x3555],
    [1 + 2 ** -11, 0x3c00],
    [1 + 3 * 2 ** -11, 0x3c02],
    [1.9999, 0x4000],
  ])('[J3] writes %d as the half %i', (value, bits) => {
    const [low, high] = encodeFloats([value], 'F16');
    expect((high! << 8) | low!).toBe(bits);
  });

  it.each([
    [1, 0x3f80],
    [-0, 0x8000],
    [1 + 2 ** -8, 0x3f80],
    [1 + 3 * 2 ** -8, 0x3f82],
    // Between the tie and the next float: rounding twice would take it for a tie.
    [1 + 2 ** -8 + 2 ** -40, 0x3f81],
    [1 + 3 * 2 ** -8 - 2 ** -40, 0x3f81],
    [3.4e38, 0x7f80],
    [Number.POSITIVE_INFINITY, 0x7f80],
  ])('[J3] writes %d as the brain float %i', (value, bits) => {
    const [low, high] = encodeFloats([value], 'BF16');
    expect((high! << 8) | low!).toBe(bits);
  });

  it.each(['F16', 'BF16'] as const)('[J3] reads and writes every %s that is a number as it is', (dtype) => {
    const all = new Uint8Array(2 ** 17);
    for (let i = 0; i < 2 ** 16; i++) {
      all[i * 2] = i & 0xff;
      all[i * 2 + 1] = i >> 8;
    }
    const decoded = decodeFloats(all, dtype);
    const encoded = encodeFloats(decoded, dtype);
    for (let i = 0; i < 2 ** 16; i++) {
      if (Number.isNaN(decoded[i])) continue;
      if (encoded[i * 2] !== all[i * 2] || encoded[i * 2 + 1] !== all[i * 2 + 1]) expect.fail(`0x${i.toString(16)}`);
    }
    expect(Number.isNaN(decodeFloats(encodeFloats([Number.NaN], dtype), dtype)[0])).toBe(true);
  });

  it('[J3] rounds to the nearest half, as plain arithmetic finds it', () => {
    const halves = decodeFloats(
      Uint8Array.from({ length: 2 ** 16 }, (_, i) => (i % 2 === 0 ? (i / 2) & 0xff : i >> 9)),
      'F16',
    );
    const finite = [...halves].filter((value) => Number.isFinite(value) && value >= 0);
    fc.assert(
      fc.property(fc.double({ min: 0, max: 65_504, noNaN: true }), (value) => {
        const [low, high] = encodeFloats([value], 'F16');
        const got = decodeFloats(Uint8Array.of(low!, high!), 'F16')[0]!;
        const nearest = finite.reduce((a, b) => (Math.abs(b - value) < Math.abs(a - value) ? b : a));
        expect(Math.abs(got - value)).toBe(Math.abs(nearest - value));
      }),
      { numRuns: 50 },
    );
  });
});

describe('files', () => {
  it('[J3] gives back what was written, bit by bit', () => {
    const shapes = fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 3 });
    const tensor = fc.record({
      name: fc.string({ minLength: 1, maxLength: 8 }),
      dtype: fc.constantFrom('F32', 'F16', 'BF16', 'I8', 'U8'),
      shape: shapes,
      fill: fc.nat(255),
    });
    const sizes = { F32: 4, F16: 2, BF16: 2, I8: 1, U8: 1 } as const;
    fc.assert(
      fc.property(fc.uniqueArray(tensor, { maxLength: 6, selector: ({ name }) => name }), (tensors) => {
        const good = tensors.filter(({ name }) => !/[\p{Cc}\p{Cs}]/u.test(name) && name !== '__metadata__');
        const bytesOf = ({ dtype, shape, fill }: (typeof good)[number]) =>
          new Uint8Array(shape.reduce((a, b) => a * b, 1) * sizes[dtype as keyof typeof sizes]).fill(fill);
        writeSafetensors(
          place(),
          good.map((each) => ({ ...each, dtype: each.dtype as keyof typeof sizes, bytes: () => bytesOf(each) })),
          { by: 'test', __proto__x: 'y' },
        );
        const file = openSafetensors(place());
        try {
          expect([...file.tensors.keys()].sort()).toEqual(good.map(({ name }) => name).sort());
          for (const each of good) {
            expect(file.tensors.get(each.name)).toMatchObject({ dtype: each.dtype, shape: each.shape });
            expect(file.read(each.name)).toEqual(bytesOf(each));
          }
          expect(file.metadata.get('by')).toBe('test');
        } finally {
          file.close();
        }
      }),
      { numRuns: 100 },
    );
  });

  it('[J3] writes the format that others read: length, padded header, data', () => {
    writeModel(place('known.safetensors'), [floats('w', 'F32', [2], [1, -2])]);
    const bytes = fs.readFileSync(place('known.safetensors'));
    const header = '{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}';
    const padded = header.padEnd(Math.ceil(header.length / 8) * 8);
    expect(Number(bytes.readBigUInt64LE(0))).toBe(padded.length);
    expect(bytes.subarray(8, 8 + padded.length).toString()).toBe(padded);
    expect(bytes.subarray(8 + padded.length).toString('hex')).toBe('0000803f000000c0');
  });

  it("[J3] takes a tensor that is named like an object's prototype for what it is: a name", () => {
    writeRaw(place(), '{"__proto__":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}', 1);
    const file = openSafetensors(place());
    expect(file.tensors.get('__proto__')).toMatchObject({ bytes: 1 });
    expect(() => file.read('toString')).toThrow(AppError);
    file.close();
  });

  const t = (name: string, begin: number, end: number, shape = `[${end - begin}]`) =>
    `"${name}":{"dtype":"U8","shape":${shape},"data_offsets":[${begin},${end}]}`;
  const HOSTILE: [string, string | Uint8Array, number, RegExp, bigint?][] = [
    ['a header beyond the limit', '{}', 0, /may have/, BigInt(LIMITS.headerBytes) + 1n],
    ['a header of 2^64-1 bytes', '{}', 0, /may have/, 2n ** 64n - 1n],
    ['a header longer than the file', '{}', 0, /after its length/, 100n],
    ['no header', '{}', 0, /after its length/, 0n],
    ['text that is no JSON', '{"a":', 0, /no JSON object/],
    ['a comment', '{/* x */}', 0, /no JSON object/],
    ['a list', '[]', 0, /begin with/],
    ['a space first', ' {}', 0, /begin with/],
    ['broken UTF-8', Uint8Array.of(0x7b, 0xff, 0x7d), 0, /UTF-8/],
    ['a mark of byte order', Buffer.from('\ufeff{}'), 0, /begin with/],
    ['a key twice', `{${t('a', 0, 1)},${t('a', 0, 1)}}`, 1, /twice/],
    ['a key twice, once escaped', `{${t('a', 0, 1)},${t('\\u0061', 0, 1)}}`, 1, /twice/],
    ['a key twice inside', '{"a":{"dtype":"U8","dtype":"F32","shape":[1],"data_offsets":[0,1]}}', 1, /twice/],
    ['deep nesting', `{"a":${'['.repeat(500)}${']'.repeat(500)}}`, 0, /nested/],
    ['an unknown key', '{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1],"x":1}}', 1, /nothing else/],
    ['an unknown dtype', '{"a":{"dtype":"F64","shape":[1],"data_offsets":[0,8]}}', 8, /dtype/],
    ['a dtype named like a method', '{"a":{"dtype":"toString","shape":[1],"data_offsets":[0,1]}}', 1, /dtype/],
    ['a negative offset', `{${t('a', -1, 0)}}`, 0, /data_offsets/],
    ['a fraction', '{"a":{"dtype":"U8","shape":[1.5],"data_offsets":[0,1]}}', 1, /shape/],
    ['an end before its beginning', `{${t('a', 5, 1, '[4]')}}`, 8, /before it begins/],
    ['an offset beyond the file', `{${t('a', 0, 9)}}`, 8, /the file has 8/],
    ['bytes behind the last tensor', `{${t('a', 0, 4)}}`, 8, /the file has 8/],
    ['a gap', `{${t('a', 0, 2)},${t('b', 4, 8)}}`, 8, /gap/],
    ['an overlap', `{${t('a', 0, 5)},${t('b', 4, 8)}}`, 8, /overlaps/],
    ['two on the same bytes', `{${t('a', 0, 8)},${t('b', 0, 8)}}`, 8, /overlaps/],
    ['a shape that does not fit', `{${t('a', 0, 8, '[3]')}}`, 8, /shape and dtype make 3/],
    ['a shape whose product overflows', `{${t('a', 0, 8, '[4294967296,4294967296,4294967296]')}}`, 8, /larger than/],
    ['a shape of too many dimensions', `{${t('a', 0, 1, '[1,1,1,1,1,1,1,1,1]')}}`, 1, /shape/],
    ['a name without characters', `{${t('', 0, 1)}}`, 1, /name/],
    ['a name with a line feed', `{${t('a\\nb', 0, 1)}}`, 1, /name/],
    ['a name that is too long', `{${t('a'.repeat(513), 0, 1)}}`, 1, /name/],
    ['metadata that is no text', '{"__metadata__":{"a":1}}', 0, /texts only/],
    ['1e400 as an offset', '{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1e400]}}', 1, /data_offsets/],
  ];

  it.each(HOSTILE)('[J3] refuses %s, in words', (_, header, data, why, announced) => {
    writeRaw(place(), header, data, announced);
    let thrown: unknown;
    try {
      openSafetensors(place()).close();
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(AppError);
    expect((thrown as AppError).kind).toBe('INVALID_PARAMS');
    expect((thrown as AppError).message).toMatch(why);
  });

  it('[J3] refuses what is no file of its own: a folder, a device, seven bytes', () => {
    fs.writeFileSync(place('short'), '1234567');
    for (const each of [folder, '/dev/zero', place('short')]) expect(() => openSafetensors(each)).toThrow(AppError);
  });

  it('[J3] says what is wrong with any bytes, and never anything else', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(60), (bytes, length) => {
        writeRaw(place(), bytes, 3, BigInt(length));
        try {
          openSafetensors(place()).close();
        } catch (error) {
          expect(error).toBeInstanceOf(AppError);
        }
      }),
      { numRuns: 200 },
    );
  });

  it('[J3] refuses to write two tensors of one name or bytes that are not those of the shape, and leaves no part behind', () => {
    const w = floats('w', 'F32', [2], [1, 2]);
    expect(() => writeSafetensors(place('no'), [w, w])).toThrow(/two tensors/);
    expect(() => writeSafetensors(place('no'), [{ ...w, shape: [3] }])).toThrow(/not those of its shape/);
    expect(fs.readdirSync(folder).filter((name) => name.startsWith('no'))).toEqual([]);
  });
});
