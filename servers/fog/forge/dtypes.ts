/** Owns the number formats of tensors: bytes to Float32Array and back, rounding to nearest, ties to even (IEEE 754). Pure. */

export const DTYPES = { F32: 4, F16: 2, BF16: 2, I8: 1, U8: 1 } as const;
export type Dtype = keyof typeof DTYPES;
/** Those that hold weights. */
export type FloatDtype = 'F32' | 'F16' | 'BF16';

export function isDtype(name: unknown): name is Dtype {
  return typeof name === 'string' && Object.hasOwn(DTYPES, name);
}

export function isFloat(dtype: Dtype): dtype is FloatDtype {
  return dtype === 'F32' || dtype === 'F16' || dtype === 'BF16';
}

const word = new DataView(new ArrayBuffer(4));

function bitsOf(value: number): number {
  word.setFloat32(0, value);
  return word.getUint32(0);
}

function floatOf(bits: number): number {
  word.setUint32(0, bits >>> 0);
  return word.getFloat32(0);
}

/** @param bytes little-endian, as safetensors has them */
export function decodeFloats(bytes: Uint8Array, dtype: FloatDtype): Float32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const floats = new Float32Array(bytes.byteLength / DTYPES[dtype]);
  if (dtype === 'F32') for (let i = 0; i < floats.length; i++) floats[i] = view.getFloat32(i * 4, true);
  else {
    const decode = dtype === 'BF16' ? fromBf16 : fromF16;
    for (let i = 0; i < floats.length; i++) floats[i] = decode(view.getUint16(i * 2, true));
  }
  return floats;
}

/** @param floats any numbers; each is rounded once, from the double that it is */
export function encodeFloats(floats: ArrayLike<number>, dtype: FloatDtype): Uint8Array {
  const bytes = new Uint8Array(floats.length * DTYPES[dtype]);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < floats.length; i++) {
    const value = floats[i]!;
    if (dtype === 'F32') view.setFloat32(i * 4, value, true);
    else view.setUint16(i * 2, dtype === 'BF16' ? toBf16(value) : toF16(value), true);
  }
  return bytes;
}

function fromBf16(half: number): number {
  return floatOf(half << 16);
}

function toBf16(value: number): number {
  const bits = bitsOf(value);
  if (Number.isNaN(value)) return (bits >>> 16) | 0x40;
  // A double that lies between two floats must not be rounded twice: the float remembers on which side it was (sticky bit).
  const sticky = stickyBits(value, bits);
  const kept = sticky >>> 16;
  const rest = sticky & 0xffff;
  return (rest > 0x8000 || (rest === 0x8000 && (kept & 1) === 1) ? kept + 1 : kept) & 0xffff;
}

/** Bits of the float towards zero, its lowest bit set when anything was cut off (rounding to odd: safe to round again). */
function stickyBits(value: number, bits: number): number {
  const rounded = floatOf(bits);
  if (rounded === value || !Number.isFinite(rounded)) return bits;
  const towardsZero = Math.abs(rounded) > Math.abs(value) ? bits - 1 : bits;
  return (towardsZero | 1) >>> 0;
}

function fromF16(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >>> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 0x1f) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

function toF16(value: number): number {
  if (Number.isNaN(value)) return 0x7e00;
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const size = Math.abs(value);
  if (size === 0) return sign;
  // 65520 is half-way between the largest half and the next power: it and all above round to infinity.
  if (size >= 65_520) return sign | 0x7c00;
  const exponent = Math.max(-14, Math.floor(Math.log2(size)));
  // Math.log2 may be off by one next to a power of two.
  const fixed =
    size / 2 ** exponent >= 2 ? exponent + 1 : size / 2 ** exponent < 1 && exponent > -14 ? exponent - 1 : exponent;
  const steps = roundEven((size / 2 ** fixed) * 1024);
  if (fixed === -14) return sign | steps;
  // A carry out of the fraction falls into the exponent, which is what it means.
  return sign | (((fixed + 15) << 10) + (steps - 1024));
}

/** To the nearest whole number, ties to even; exact for what is given here. */
function roundEven(value: number): number {
  const down = Math.floor(value);
  const rest = value - down;
  if (rest > 0.5 || (rest === 0.5 && down % 2 === 1)) return down + 1;
  return down;
}
