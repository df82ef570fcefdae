import crypto from 'node:crypto';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import {
  ChainWalk,
  type FoundRow,
  GENESIS,
  GENESIS_HASH,
  linkHash,
  recordStart,
  recordTime,
  sealHash,
} from '../../../../router/audit/chain.ts';

const SEAL_KEY = 'a1'.repeat(32);

function chainOf(bodies: readonly string[]): FoundRow[] {
  let hash = GENESIS_HASH;
  return bodies.map((body, index) => {
    const record = `${recordStart(index + 1, 1_000 + index)}"kind":"login","agent":${JSON.stringify(body)}}`;
    hash = linkHash(hash, record);
    return { seq: index + 1, bytes: Buffer.from(record), type: 'text', hash, seal: sealHash(SEAL_KEY, hash) };
  });
}

/** The first bad record of a walk, 0 when there is none. */
function firstBad(rows: readonly FoundRow[]): number {
  const walk = new ChainWalk(GENESIS, SEAL_KEY);
  for (const row of rows) if (walk.step(row) !== undefined) return walk.head.seq + 1;
  return 0;
}

it('[D2] links a record by SHA-256 over the previous hash’s digits and its text in UTF-8', () => {
  const record = '{"seq":1,"time":5,"kind":"login","agent":"Zoë"}';
  const expected = crypto.createHash('sha256').update(GENESIS_HASH, 'latin1').update(record, 'utf8').digest('hex');
  expect(linkHash(GENESIS_HASH, record)).toBe(expected);
});

it('[D2] accepts what it made, whatever the text', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'binary' }), { maxLength: 20 }), (bodies) => {
      expect(firstBad(chainOf(bodies))).toBe(0);
    }),
  );
});

it('[D2] names the record of which any byte was changed', () => {
  const bodies = fc.array(fc.string({ unit: 'binary', minLength: 1 }), { minLength: 1, maxLength: 12 });
  fc.assert(
    fc.property(bodies, fc.nat(), fc.nat(), fc.integer({ min: 1, max: 255 }), (texts, pick, at, change) => {
      const rows = chainOf(texts);
      const row = rows[pick % rows.length]!;
      const bytes = row.bytes as Buffer;
      bytes[at % bytes.length] = bytes[at % bytes.length]! ^ change;
      expect(firstBad(rows)).toBe(row.seq);
    }),
    { numRuns: 1_000 },
  );
});

it('[D2][D06] tells apart bytes that decode to the same text', () => {
  const rows = chainOf(['\ufffd']);
  const bytes = rows[0]!.bytes as Buffer;
  const changed = Buffer.from(bytes);
  changed[changed.indexOf(0xef)] = 0xf1;
  expect(changed.toString()).toBe(bytes.toString());
  expect(firstBad([{ ...rows[0]!, bytes: changed }])).toBe(1);
});

it('[D2] refuses a time before that of the record before, however well it is chained', () => {
  const record = '{"seq":2,"time":999,"kind":"login"}';
  const [first] = chainOf(['a']);
  const hash = linkHash(String(first!.hash), record);
  const second = { seq: 2, bytes: Buffer.from(record), type: 'text', hash, seal: sealHash(SEAL_KEY, hash) };
  expect(firstBad([first!, second])).toBe(2);
});

it('reads the time of a record from where the writer puts it, and nowhere else', () => {
  expect(recordTime('{"seq":1,"time":42,"kind":"login"}')).toBe(42);
  expect(recordTime('{"time":42,"seq":1}')).toBeUndefined();
  expect(recordTime('{"seq":1,"time":4.2,"kind":"login"}')).toBeUndefined();
});
