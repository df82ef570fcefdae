/**
 * Final Compression: each tensor of two dimensions or more becomes 8-bit whole numbers with one scale for each of its rows
 * (symmetric, by the row's largest weight), then the file is packed with gzip. Works on files, one tensor at a time.
 */
import fs from 'node:fs';
import { pipeline } from 'node:stream/promises';
import zlib from 'node:zlib';
import { finiteWeights, type OnTensor, type QuantisationReport, type QuantisedTensor } from './bitnet.ts';
import { DTYPES, encodeFloats, isFloat } from './dtypes.ts';
import { type NewTensor, openSafetensors, writeSafetensors } from './safetensors.ts';

/** The scales are 32-bit floats: the weights are divided by what is written down, not by what was meant. */
export function quantiseRow(row: Float32Array): { readonly scale: number; readonly codes: Int8Array } {
  let largest = 0;
  for (const weight of row) largest = Math.max(largest, Math.abs(weight));
  const scale = Math.fround(largest / 127);
  // Weights too small for a scale of their own are zero.
  if (scale === 0) return { scale: 0, codes: new Int8Array(row.length) };
  return { scale, codes: Int8Array.from(row, (weight) => roundAway(weight / scale)) };
}

/** Half goes away from zero; at most 127 either way. */
function roundAway(value: number): number {
  const size = Math.min(127, Math.floor(Math.abs(value) + 0.5));
  return value < 0 ? -size : size;
}

/** @throws AppError INVALID_PARAMS for a malformed file, weights that are not finite, or names that would meet */
export function quantiseRows(source: string, target: string, onTensor: OnTensor = () => {}): QuantisationReport {
  const file = openSafetensors(source);
  try {
    const written: NewTensor[] = [];
    const quantised: QuantisedTensor[] = [];
    const metadata: Record<string, string> = {
      ...Object.fromEntries(file.metadata),
      'forge.phase': 'Final Compression',
    };
    const total = { squares: 0, errors: 0, before: 0, after: 0 };
    for (const { name, dtype, shape, bytes } of file.tensors.values()) {
      total.before += bytes;
      if (!isFloat(dtype) || shape.length < 2) {
        written.push({ name, dtype, shape, bytes: () => file.read(name) });
        total.after += bytes;
        continue;
      }
      const rows = shape[0]!;
      const count = bytes / DTYPES[dtype];
      total.after += count + rows * 4;
      const scales = new Float32Array(rows);
      const quantise = (): Uint8Array => {
        const weights = finiteWeights(file.read(name), dtype, name);
        const width = rows === 0 ? 0 : count / rows;
        const codes = new Int8Array(count);
        let squared = 0;
        let error = 0;
        for (let row = 0; row < rows; row++) {
          const part = weights.subarray(row * width, (row + 1) * width);
          const found = quantiseRow(part);
          codes.set(found.codes, row * width);
          scales[row] = found.scale;
          for (let i = 0; i < width; i++) {
            squared += part[i]! ** 2;
            error += (part[i]! - found.codes[i]! * found.scale) ** 2;
          }
        }
        total.squares += squared;
        total.errors += error;
        quantised.push({
          name,
          meanSquaredError: count === 0 ? 0 : error / count,
          relativeError: squared === 0 ? 0 : error / squared,
        });
        onTensor(quantised.length, file.tensors.size);
        return new Uint8Array(codes.buffer);
      };
      metadata[`int8.${name}`] = dtype;
      written.push({ name, dtype: 'I8', shape, bytes: quantise });
      written.push({ name: `${name}.scale`, dtype: 'F32', shape: [rows], bytes: () => encodeFloats(scales, 'F32') });
    }
    writeSafetensors(target, written, metadata);
    return {
      tensors: file.tensors.size,
      quantised,
      relativeError: total.squares === 0 ? 0 : total.errors / total.squares,
      bytesBefore: total.before,
      bytesAfter: total.after,
    };
  } finally {
    file.close();
  }
}

/** The same bytes for the same file, whenever and wherever it is packed. @returns how many there are */
export async function pack(source: string, target: string): Promise<number> {
  await pipeline(
    fs.createReadStream(source),
    zlib.createGzip({ level: 9 }),
    fs.createWriteStream(target, { mode: 0o600 }),
  );
  return fs.statSync(target).size;
}
