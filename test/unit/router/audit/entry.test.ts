import { expect, it } from 'vitest';
import { type AuditEntry, encodeEntry, MAX_DETAILS, MAX_STRING, Subject } from '../../../../router/audit/entry.ts';
import type { LongValue } from '../../../../router/audit/protocol.ts';
import { escapeUnsafe, isUnsafe } from '../../../../router/audit/safe-text.ts';

function encode(entry: AuditEntry, index = 0) {
  const long: LongValue[] = [];
  return { record: JSON.parse(encodeEntry(entry, index, long)) as Record<string, unknown>, long };
}

it('[D1] keeps an entry as it is, without what is undefined', () => {
  const { record, long } = encode({ kind: 'vote', agent: 'sage', tool: undefined, details: { vote: 'approve', n: 1 } });
  expect(record).toEqual({ kind: 'vote', agent: 'sage', details: { vote: 'approve', n: 1 } });
  expect(long).toEqual([]);
});

it('[D1][D07] keeps a string of the greatest length and cuts a longer one, whose whole goes to the digest', () => {
  const fits = 'ü'.repeat(MAX_STRING);
  expect(encode({ kind: 'login', agent: fits })).toEqual({ record: { kind: 'login', agent: fits }, long: [] });
  const { record, long } = encode({ kind: 'login', agent: `${fits}x`, details: { note: 'n'.repeat(5_000) } }, 7);
  expect(record).toEqual({ kind: 'login', agent: fits, details: { note: 'n'.repeat(MAX_STRING) } });
  const octets = Buffer.from(`${fits}x`).toString('latin1');
  expect(long).toEqual([
    { index: 7, field: 'agentDigest', octets },
    { index: 7, field: 'details0Digest', octets: 'n'.repeat(5_000) },
  ]);
});

it('[D1] bounds the number of details and the length of their names, and says what it left out', () => {
  const details = Object.fromEntries(Array.from({ length: MAX_DETAILS + 3 }, (_, index) => [`key${index}`, index]));
  const many = encode({ kind: 'login', details }).record;
  expect(Object.keys(many.details as object)).toHaveLength(MAX_DETAILS);
  expect(many.detailsDropped).toBe(3);
  const { record, long } = encode({ kind: 'login', details: { ['k'.repeat(2_000)]: 1 } });
  expect(record.details).toEqual({ ['k'.repeat(MAX_STRING)]: 1 });
  expect(long.map((value) => value.field)).toEqual(['details0NameDigest']);
});

it.each(['\u007f', '\u009b', '\u200b', '\u2028', '\u202e', '\u2066', '\ufeff', '\u{e0041}'])(
  '[D07] escapes %j without changing what the JSON means',
  (character) => {
    const json = JSON.stringify({ name: `a${character}b` });
    expect(isUnsafe(json)).toBe(true);
    expect(escapeUnsafe(json)).toMatch(/^[\x20-\x7e]+$/);
    expect(JSON.parse(escapeUnsafe(json))).toEqual({ name: `a${character}b` });
  },
);

it.each(['plain', 'Zoë', '日本', '\u{1f600}'])('[D07] leaves %j as it is', (text) => {
  expect(isUnsafe(JSON.stringify(text))).toBe(false);
});

it.each([
  { agent: 'sage', tokenId: 't1', session: 's1', server: 'fog', tool: 'fog__run', rule: 'fog/*' },
  { agent: 'ü\u202e"', resource: 'file:///a\\b' },
  { agent: 'a'.repeat(MAX_STRING + 1), tool: 'x' },
  {},
])('[D1] [D07] a record whose fields stand in a subject that others share says the same: %#', (fields) => {
  const own: AuditEntry = {
    kind: 'call_finished',
    callId: '7f6c2a9e-1111-4222-8333-123456789abc',
    outcome: 'failed',
    reason: 'timeout',
    durationMs: 1.25,
    workflow: 'w1',
    trace: 'a'.repeat(32),
    details: { note: 'two\nlines \u202e' },
  };
  const shared = encode({ ...own, subject: new Subject(fields) }, 3);
  expect(shared).toEqual(encode({ ...own, ...fields }, 3));
  expect(isUnsafe(encodeEntry({ ...own, subject: new Subject(fields) }, 3, []))).toBe(false);
});
