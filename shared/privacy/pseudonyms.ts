/** Names that stand for personal data: the same value of the same store always gets the same one. Keeps no value. */
import { createHmac, randomBytes } from 'node:crypto';
import type { Kind } from './findings.ts';

const LEAST_KEY_BYTES = 16;
const DIGITS = 8;

/**
 * What a pseudonym looks like: `[PERSON_3f2a90c1]`, eight hexadecimal digits, at least one of them a letter. Detectors look
 * past it as past a wall.
 */
export const PSEUDONYM =
  /\[(?:SECRET_URL|SECRET|EMAIL|IBAN|CARD|NATIONAL_ID|MAC|IP|PHONE|BIRTH_DATE|ADDRESS|PERSON)_(?=\d{0,7}[a-f])[0-9a-f]{8}\]/g;

export interface Pseudonyms {
  /** Such as `[EMAIL_0c4e71bd]`: spelling (case, spaces, separators of numbers) makes no difference. */
  readonly of: (kind: Kind, value: string) => string;
}

/**
 * @param key of the store, at least 16 octets, kept as secret as the data: who has it can test a guess. Without the key a
 * pseudonym tells nothing.
 * @throws RangeError for a shorter key
 */
export function createPseudonyms(key: Uint8Array): Pseudonyms {
  if (key.byteLength < LEAST_KEY_BYTES) {
    throw new RangeError(
      `a key of at least ${LEAST_KEY_BYTES} octets was expected, ${key.byteLength} came; newPseudonymKey() makes one`,
    );
  }
  const secret = Uint8Array.from(key);
  return {
    of(kind, value) {
      const plain = plainForm(kind, value);
      for (let attempt = 0; ; attempt++) {
        const digest = createHmac('sha256', secret).update(`${kind}\n${attempt}\n${plain}`).digest('hex');
        const name = digest.slice(0, DIGITS);
        if (/[a-f]/.test(name)) return `[${kind.toUpperCase()}_${name}]`;
      }
    },
  };
}

export function newPseudonymKey(): Uint8Array {
  return randomBytes(32);
}

const NUMBERS: ReadonlySet<Kind> = new Set<Kind>(['card', 'iban', 'national_id', 'phone', 'mac', 'birth_date']);

/** One form for the spellings of one value. */
function plainForm(kind: Kind, value: string): string {
  const folded = value.toWellFormed().normalize('NFKC').toLowerCase();
  if (NUMBERS.has(kind)) return folded.replaceAll(/[^\p{L}\p{N}+]/gu, '');
  if (kind === 'secret') return value;
  return folded.replaceAll(/\s+/g, ' ').trim();
}
