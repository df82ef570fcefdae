/** One key locked with another: AES-256-GCM, bound to what it is for. Pure but for its randomness. */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

const IV_BYTES = 12;
const TAG_BYTES = 16;

/** @param purpose what it is the key of; the same is needed to unwrap it */
export function wrapKey(master: Uint8Array, key: Uint8Array, purpose: string): Uint8Array {
  const iv = randomBytes(IV_BYTES);
  const cipher = createCipheriv('aes-256-gcm', master, iv).setAAD(Buffer.from(purpose));
  const text = Buffer.concat([cipher.update(key), cipher.final()]);
  return Buffer.concat([iv, cipher.getAuthTag(), text]);
}

/** undefined when this is not the master key, the purpose is another, or the octets were changed. */
export function unwrapKey(master: Uint8Array, wrapped: Uint8Array, purpose: string): Uint8Array | undefined {
  try {
    const decipher = createDecipheriv('aes-256-gcm', master, wrapped.subarray(0, IV_BYTES))
      .setAAD(Buffer.from(purpose))
      .setAuthTag(wrapped.subarray(IV_BYTES, IV_BYTES + TAG_BYTES));
    return Buffer.concat([decipher.update(wrapped.subarray(IV_BYTES + TAG_BYTES)), decipher.final()]);
  } catch {
    return undefined;
  }
}
