/**
 * BitNet b1.58's weights: each tensor of two dimensions or more becomes -1, 0 or 1 times one scale, the mean of its absolute
 * weights (arXiv:2402.17764, eq. 1–3); four to a byte. Others stay as they are. Works on files, one tensor at a time.
 */
import { AppError } from '../../../shared/errors.ts';
import { DTYPES, decodeFloats, encodeFloats, isFloat } from './dtypes.ts';
import { type NewTensor, openSafetensors, writeSafetensors } from './safetensors.ts';

export interface QuantisedTensor {
  readonly name: string;
  /** Mean squared difference between the weights and what they became. */
  readonly meanSquaredError: number;
  /** That, summed, over the sum of the squared weights; 0 for a tensor of zeros. */
  readonly relativeError: number;
}

export interface QuantisationReport {
  readonly tensors: number;
  readonly quantised: readonly QuantisedTensor[];
  /** Over all quantised weights together. */
  readonly relativeError: number;
  readonly bytesBefore: number;
  readonly bytesAfter: number;
}

/** @param onTensor hears how many are done */
export type OnTensor = (done: number, total: number) => void;

/**
 * Four weights to a byte, the first in the lowest bits; 0 means -1, 1 means 0, 2 means 1; what is left over in the last byte is 1.
 * @param scale what a step is; from half a step on a weight is a step
 */
export function packTernary(weights: Float32Array, scale: number): Uint8Array {
  const packed = new Uint8Array(Math.ceil(weights.length / 4)).fill(0b01010101);
  for (let i = 0; i < weights.length; i++) {
    const code = ternaryOf(weights[i]!, scale) + 1;
    const shift = (i & 3) * 2;
    packed[i >> 2] = (packed[i >> 2]! & ~(3 << shift)) | (code << shift);
  }
  return packed;
}

/** @returns -1, 0 and 1 */
export function unpackTernary(packed: Uint8Array, length: number): Int8Array {
  return Int8Array.from({ length }, (_, i) => ((packed[i >> 2]! >> ((i & 3) * 2)) & 3) - 1);
}

function ternaryOf(weight: number, scale: number): -1 | 0 | 1 {
  if (scale === 0 || Math.abs(weight) * 2 < scale) return 0;
  return weight < 0 ? -1 : 1;
}

/** The mean of the absolute weights, as a 32-bit float. */
export function absoluteMean(weights: Float32Array): number {
  let sum = 0;
  for (const weight of weights) sum += Math.abs(weight);
  return weights.length === 0 ? 0 : Math.fround(sum / weights.length);
}

/** @throws AppError INVALID_PARAMS for a malformed file, weights that are not finite, or names that would meet */
export function quantiseTernary(source: string, target: string, onTensor: OnTensor = () => {}): QuantisationReport {
  const file = openSafetensors(source);
  try {
    const written: NewTensor[] = [];
    const quantised: QuantisedTensor[] = [];
    const metadata: Record<string, string> = { ...Object.fromEntries(file.metadata), 'forge.phase': 'BitNet' };
    let squares = 0;
    let errors = 0;
    let before = 0;
    let after = 0;
    for (const { name, dtype, shape, bytes } of file.tensors.values()) {
      before += bytes;
      if (!isFloat(dtype) || shape.length < 2) {
        written.push({ name, dtype, shape, bytes: () => file.read(name) });
        after += bytes;
        continue;
      }
      metadata[`bitnet.${name}`] = JSON.stringify({ dtype, shape });
      const length = Math.ceil(bytes / DTYPES[dtype] / 4);
      after += length + 4;
      let scale = 0;
      const quantise = (): Uint8Array => {
        const weights = finiteWeights(file.read(name), dtype, name);
        scale = absoluteMean(weights);
        let squared = 0;
        let error = 0;
        for (const weight of weights) {
          squared += weight * weight;
          error += (weight - ternaryOf(weight, scale) * scale) ** 2;
        }
        squares += squared;
        errors += error;
        quantised.push({
          name,
          meanSquaredError: weights.length === 0 ? 0 : error / weights.length,
          relativeError: squared === 0 ? 0 : error / squared,
        });
        onTensor(quantised.length, file.tensors.size);
        return packTernary(weights, scale);
      };
      written.push({ name, dtype: 'U8', shape: [length], bytes: quantise });
      written.push({ name: `${name}.scale`, dtype: 'F32', shape: [1], bytes: () => encodeFloats([scale], 'F32') });
    }
    writeSafetensors(target, written, metadata);
    return {
      tensors: file.tensors.size,
      quantised,
      relativeError: squares === 0 ? 0 : errors / squares,
      bytesBefore: before,
      bytesAfter: after,
    };
  } finally {
    file.close();
  }
}

/** @throws AppError INVALID_PARAMS for NaN or infinity: no scale can hold them */
export function finiteWeights(bytes: Uint8Array, dtype: 'F32' | 'F16' | 'BF16', name: string): Float32Array {
  const weights = decodeFloats(bytes, dtype);
  for (const weight of weights) {
    if (Number.isFinite(weight)) continue;
    throw new AppError('INVALID_PARAMS', {
      text: `The tensor ${JSON.stringify(name.slice(0, 80))} holds a weight that is no finite number; it cannot be quantised`,
    });
  }
  return weights;
}
