/** 64 bits of a key under a seed: names it in the table of counts and in the ledger that all processes share. */
import type { KeyHash } from './call-windows.ts';

/** Two 32-bit hashes by Murmur3's steps (Appleby 2011), with secret seeds: nobody chooses names that fall together. */
export function hashOf(key: string, seed: number): KeyHash {
  let a = seed >>> 0;
  let b = (seed ^ 0x9e3779b9) >>> 0;
  for (let i = 0; i < key.length; i++) {
    const unit = key.charCodeAt(i);
    a = Math.imul(a ^ unit, 0xcc9e2d51);
    a = (a << 15) | (a >>> 17);
    b = Math.imul(b ^ unit, 0x1b873593);
    b = (b << 13) | (b >>> 19);
    b = (b + a) | 0;
  }
  // 0 marks an empty place of the table.
  return { a: mixed(a ^ key.length) || 1, b: mixed(b) };
}

/** The hash as one whole number below 2^53, for the ledger. */
export function numberOf({ a, b }: KeyHash): number {
  return a * 2 ** 21 + (b >>> 11);
}

function mixed(hash: number): number {
  let h = hash;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
