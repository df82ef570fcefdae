/**
 * One pass over a JSON text in octets: checks the grammar (RFC 8259), depth, the number of values and duplicate keys, and
 * says where the members of an object lie, so that they can be copied without being parsed and printed again.
 * Does not check UTF-8 (doors do, natively) and builds no values.
 */
import { decodeOctets, encodeOctets, type Octets } from './octets.ts';

export interface ScanLimits {
  /** Deepest nesting of arrays and objects. */
  readonly maxDepth: number;
  /** Values in the whole text, keys not counted. */
  readonly maxValues: number;
  /** Keys in the whole text: each costs far more than a value, because it is compared with its neighbours. */
  readonly maxKeys: number;
  /** Refuse an object with the same key twice, at any depth. */
  readonly uniqueKeys: boolean;
}

/** What a client may send: no text within these holds the event loop for more than a tenth of a second. */
export const STRICT_LIMITS: ScanLimits = { maxDepth: 128, maxValues: 500_000, maxKeys: 100_000, uniqueKeys: true };
/** What an upstream may answer: its bytes are only passed on. */
export const RELAY_LIMITS: ScanLimits = {
  maxDepth: 512,
  maxValues: Number.POSITIVE_INFINITY,
  maxKeys: Number.POSITIVE_INFINITY,
  uniqueKeys: false,
};

export class JsonScanError extends Error {
  override readonly name = 'JsonScanError';
  /** `syntax` = not JSON; `limit` = JSON, but more than is allowed; `duplicate` = a key twice. */
  readonly kind: 'syntax' | 'limit' | 'duplicate';
  constructor(kind: 'syntax' | 'limit' | 'duplicate', message: string, offset: number) {
    super(`${message} at byte ${offset}`);
    this.kind = kind;
  }
}

/** One member of a scanned object. `start` … `end` is the value's text; `members` is there when it was opened too. */
export interface Member {
  /** In octets, escapes resolved. */
  readonly key: string;
  readonly start: number;
  readonly end: number;
  readonly members: readonly Member[] | undefined;
}

/** Which members that are objects to list the members of too, and which of theirs. */
export type Open = readonly { readonly key: string; readonly open: Open }[];
const NONE: Open = [];

/**
 * Scans a text that must be one JSON object.
 * @param open members of this object to list too, such as `[{ key: 'params', open: [] }]`
 * @returns the object's members in order
 * @throws JsonScanError
 */
export function scanObject(text: Octets, limits: ScanLimits, open: Open = NONE): Member[] {
  const scanner = new Scanner(text, limits);
  scanner.skipSpace();
  if (text.charCodeAt(scanner.at) !== 0x7b) throw scanner.syntax('expected an object');
  const members: Member[] = [];
  scanner.object(1, members, open);
  scanner.skipSpace();
  if (scanner.at !== text.length) throw scanner.syntax('expected the end');
  return members;
}

/**
 * Scans a text that must be one JSON array and lists where its elements lie.
 * @throws JsonScanError
 */
export function scanArray(text: Octets, limits: ScanLimits): { start: number; end: number }[] {
  const scanner = new Scanner(text, limits);
  scanner.skipSpace();
  if (text.charCodeAt(scanner.at) !== 0x5b) throw scanner.syntax('expected an array');
  const elements: { start: number; end: number }[] = [];
  scanner.array(1, elements);
  scanner.skipSpace();
  if (scanner.at !== text.length) throw scanner.syntax('expected the end');
  return elements;
}

class Scanner {
  at = 0;
  private values = 0;
  private keys = 0;
  private readonly text: Octets;
  private readonly limits: ScanLimits;

  constructor(text: Octets, limits: ScanLimits) {
    this.text = text;
    this.limits = limits;
  }

  syntax(what: string): JsonScanError {
    return new JsonScanError('syntax', what, this.at);
  }

  skipSpace(): void {
    const { text } = this;
    let at = this.at;
    for (;;) {
      const c = text.charCodeAt(at);
      if (c === 0x20 || c === 0x0a || c === 0x0d || c === 0x09) at++;
      else break;
    }
    this.at = at;
  }

  private enter(depth: number): void {
    if (depth > this.limits.maxDepth)
      throw new JsonScanError('limit', `nested deeper than ${this.limits.maxDepth}`, this.at);
  }

  private value(depth: number): void {
    if (++this.values > this.limits.maxValues) {
      throw new JsonScanError('limit', `more than ${this.limits.maxValues} values`, this.at);
    }
    const c = this.text.charCodeAt(this.at);
    if (c === 0x22) this.string();
    else if (c === 0x7b) this.object(depth + 1);
    else if (c === 0x5b) this.array(depth + 1);
    else if (c === 0x2d || (c >= 0x30 && c <= 0x39)) this.number();
    else if (c === 0x74) this.literal('true');
    else if (c === 0x66) this.literal('false');
    else if (c === 0x6e) this.literal('null');
    else throw this.syntax('expected a value');
  }

  object(depth: number, members?: Member[], open?: Open): void {
    this.enter(depth);
    const { text } = this;
    const keys = this.limits.uniqueKeys ? new KeySet() : undefined;
    this.at++;
    this.skipSpace();
    if (text.charCodeAt(this.at) === 0x7d) {
      this.at++;
      return;
    }
    for (;;) {
      if (text.charCodeAt(this.at) !== 0x22) throw this.syntax('expected a key');
      if (++this.keys > this.limits.maxKeys) {
        throw new JsonScanError('limit', `more than ${this.limits.maxKeys} keys`, this.at);
      }
      const keyStart = this.at;
      const escaped = this.string();
      const raw = text.slice(keyStart + 1, this.at - 1);
      const key = escaped ? encodeOctets(JSON.parse(`"${decodeOctets(raw as Octets)}"`) as string) : raw;
      if (keys !== undefined && !keys.add(key)) throw new JsonScanError('duplicate', 'a key stands twice', keyStart);
      this.skipSpace();
      if (text.charCodeAt(this.at) !== 0x3a) throw this.syntax('expected a colon');
      this.at++;
      this.skipSpace();
      const start = this.at;
      let inner: Member[] | undefined;
      const deeper = open === undefined ? undefined : openAt(open, key);
      if (deeper !== undefined && text.charCodeAt(start) === 0x7b) {
        inner = [];
        this.object(depth + 1, inner, deeper);
      } else this.value(depth);
      members?.push({ key, start, end: this.at, members: inner });
      this.skipSpace();
      const c = text.charCodeAt(this.at);
      this.at++;
      if (c === 0x7d) return;
      if (c !== 0x2c) throw this.syntax('expected a comma or a closing brace');
      this.skipSpace();
    }
  }

  array(depth: number, elements?: { start: number; end: number }[]): void {
    this.enter(depth);
    this.at++;
    this.skipSpace();
    if (this.text.charCodeAt(this.at) === 0x5d) {
      this.at++;
      return;
    }
    for (;;) {
      const start = this.at;
      this.value(depth);
      elements?.push({ start, end: this.at });
      this.skipSpace();
      const c = this.text.charCodeAt(this.at);
      this.at++;
      if (c === 0x5d) return;
      if (c !== 0x2c) throw this.syntax('expected a comma or a closing bracket');
      this.skipSpace();
    }
  }

  /** Moves behind a string; true when it holds escapes. */
  private string(): boolean {
    const { text } = this;
    let at = this.at + 1;
    let escaped = false;
    for (;;) {
      const c = text.charCodeAt(at);
      if (c === 0x22) break;
      if (c === 0x5c) {
        escaped = true;
        const e = text.charCodeAt(at + 1);
        if (e === 0x75) {
          for (let i = at + 2; i < at + 6; i++) {
            if (!isHex(text.charCodeAt(i))) {
              this.at = i;
              throw this.syntax('expected four hexadecimal digits');
            }
          }
          at += 6;
        } else if (ESCAPES.has(e)) at += 2;
        else {
          this.at = at;
          throw this.syntax('unknown escape');
        }
      } else if (c >= 0x20) at++;
      else {
        this.at = at;
        throw this.syntax(Number.isNaN(c) ? 'unterminated string' : 'control character in a string');
      }
    }
    this.at = at + 1;
    return escaped;
  }

  private number(): void {
    const { text } = this;
    let at = this.at;
    if (text.charCodeAt(at) === 0x2d) at++;
    if (text.charCodeAt(at) === 0x30) at++;
    else at = this.digits(at);
    if (text.charCodeAt(at) === 0x2e) at = this.digits(at + 1);
    const e = text.charCodeAt(at);
    if (e === 0x65 || e === 0x45) {
      const sign = text.charCodeAt(at + 1);
      at = this.digits(sign === 0x2b || sign === 0x2d ? at + 2 : at + 1);
    }
    this.at = at;
  }

  private digits(from: number): number {
    let at = from;
    for (;;) {
      const c = this.text.charCodeAt(at);
      if (c >= 0x30 && c <= 0x39) at++;
      else break;
    }
    if (at === from) {
      this.at = at;
      throw this.syntax('expected a digit');
    }
    return at;
  }

  private literal(word: string): void {
    if (!this.text.startsWith(word, this.at)) throw this.syntax('expected a value');
    this.at += word.length;
  }
}

function openAt(open: Open, key: string): Open | undefined {
  for (const each of open) if (each.key === key) return each.open;
  return undefined;
}

const ESCAPES = new Set([0x22, 0x5c, 0x2f, 0x62, 0x66, 0x6e, 0x72, 0x74]);

function isHex(c: number): boolean {
  return (c >= 0x30 && c <= 0x39) || (c >= 0x41 && c <= 0x46) || (c >= 0x61 && c <= 0x66);
}

/** Keys of one object; a list while they are few, because most objects have a handful. */
class KeySet {
  private few: string[] = [];
  private many: Set<string> | undefined;

  /** False when the key was there already. */
  add(key: string): boolean {
    if (this.many !== undefined) {
      const size = this.many.size;
      this.many.add(key);
      return this.many.size > size;
    }
    if (this.few.includes(key)) return false;
    this.few.push(key);
    if (this.few.length > 16) this.many = new Set(this.few);
    return true;
  }
}
