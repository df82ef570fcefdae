/** PCM samples: what forms there are, and their values as numbers where 1 is full scale. Little-endian, channels interleaved. */

export const ENCODINGS = ['s16', 's24', 's32', 'f32', 'f64'] as const;
export type Encoding = (typeof ENCODINGS)[number];

export interface PcmFormat {
  /** Hz. */
  readonly sampleRate: number;
  readonly channels: number;
  readonly encoding: Encoding;
}

export const MAX_CHANNELS = 8;
export const BYTES: Readonly<Record<Encoding, number>> = { s16: 2, s24: 3, s32: 4, f32: 4, f64: 8 };

export function frameBytes({ channels, encoding }: PcmFormat): number {
  return channels * BYTES[encoding];
}

/** @returns how many samples were written to `out` */
export function decode(bytes: Buffer, encoding: Encoding, out: Float64Array): number {
  const count = Math.min(out.length, Math.floor(bytes.length / BYTES[encoding]));
  switch (encoding) {
    case 's16':
      for (let i = 0, at = 0; i < count; i++, at += 2) out[i] = ((bytes[at]! | (bytes[at + 1]! << 8)) << 16) / 2 ** 31;
      break;
    case 's24':
      for (let i = 0, at = 0; i < count; i++, at += 3)
        out[i] = ((bytes[at]! << 8) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 24)) / 2 ** 31;
      break;
    case 's32':
      for (let i = 0; i < count; i++) out[i] = bytes.readInt32LE(i * 4) / 2 ** 31;
      break;
    case 'f32':
      for (let i = 0; i < count; i++) out[i] = bytes.readFloatLE(i * 4);
      break;
    case 'f64':
      for (let i = 0; i < count; i++) out[i] = bytes.readDoubleLE(i * 8);
  }
  return count;
}
