/**
 * Owns the arithmetic of the chain: the hash that links a record to all before it, the seal that only this data folder can
 * make, and the walk that checks both. Pure; knows no file and no database.
 */
import crypto from 'node:crypto';

/** What stands before the first record. */
export const GENESIS_HASH = '0'.repeat(64);

/** A place in the chain: everything up to and including record `seq`. */
export interface Head {
  readonly seq: number;
  /** 64 hexadecimal digits. */
  readonly hash: string;
  /** Milliseconds since the epoch; never below that of an earlier record. */
  readonly time: number;
}

export const GENESIS: Head = { seq: 0, hash: GENESIS_HASH, time: 0 };

/** SHA-256 over the 64 hexadecimal digits of the previous hash and the record's text in UTF-8: `sha256sum` gives the same. */
export function linkHash(previousHash: string, record: string): string {
  return crypto.hash('sha256', previousHash + record, 'hex');
}

/**
 * 128 bits over key and hash. The input has a fixed length (64 + 64 digits) and the output is cut, so a plain hash with the
 * key in front is a sound MAC here, at a fifth of HMAC's cost.
 */
export function sealHash(sealKey: string, hash: string): string {
  return crypto.hash('sha256', sealKey + hash, 'hex').slice(0, 32);
}

/** How every record begins; the writer makes it, so nothing else is accepted. */
export function recordStart(seq: number, time: number): string {
  return `{"seq":${seq},"time":${time},`;
}

const START = /^\{"seq":(\d{1,16}),"time":(\d{1,16}),/;

/** The time a record claims, or undefined when it does not begin as records do. */
export function recordTime(record: string): number | undefined {
  const time = START.exec(record)?.[2];
  return time === undefined ? undefined : Number(time);
}

/** A row as it was found: nothing about it is trusted, not even its types. */
export interface FoundRow {
  readonly seq: unknown;
  /** The bytes of the text, since several byte sequences may decode to one text. */
  readonly bytes: unknown;
  readonly type: unknown;
  readonly hash: unknown;
  readonly seal: unknown;
}

/** Walks rows in order of seq from a trusted place on. */
export class ChainWalk {
  head: Head;
  readonly #sealKey: string;

  constructor(from: Head, sealKey: string) {
    this.head = from;
    this.#sealKey = sealKey;
  }

  /** Takes the next row. Returns why it is bad, or undefined and moves on. The bad record is always `head.seq + 1`. */
  step(row: FoundRow): string | undefined {
    const seq = this.head.seq + 1;
    if (row.seq !== seq) return `the record is missing; the next one found is ${String(row.seq)}`;
    if (row.type !== 'text' || !Buffer.isBuffer(row.bytes)) return `the record is not text but ${String(row.type)}`;
    const record = row.bytes.toString('latin1');
    const [start, itsSeq, itsTime] = START.exec(record) ?? [];
    if (start === undefined) return 'the text does not begin with its number and time';
    if (Number(itsSeq) !== seq) return `the text is that of record ${itsSeq}`;
    const hash = crypto.hash('sha256', Buffer.concat([Buffer.from(this.head.hash, 'latin1'), row.bytes]), 'hex');
    if (row.hash !== hash) return 'its hash does not follow from its text and the record before';
    if (row.seal !== sealHash(this.#sealKey, hash)) return 'its seal was not made with this data folder’s key';
    const time = Number(itsTime);
    if (time < this.head.time) return `its time ${time} lies before that of the record before, ${this.head.time}`;
    this.head = { seq, hash, time };
    return undefined;
  }
}
