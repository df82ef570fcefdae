import { afterAll, expect, it } from 'vitest';
import { CoarseTimer } from '../../../router/coarse-timer.ts';
import { Sessions } from '../../../router/sessions.ts';
import { LEVELS } from '../../../shared/identity/levels.ts';

const COUNT = 10_000;
const caller = {
  agentId: 'alice',
  role: 'user' as const,
  level: LEVELS.OPERATOR,
  permissions: [],
  tokenId: 'jti',
  expiresAt: 4_102_444_800,
};
const outlet = { send: () => {}, open: false, cut: () => {}, close: () => {} };
const sessions = new Sessions({
  timer: new CoarseTimer(),
  idleMs: 60_000,
  maxSessions: COUNT,
  maxPerAgent: COUNT,
  check: () => {},
  onOpened: () => {},
  onClosed: () => {},
});
afterAll(() => sessions.closeAll('the test is over'));

it('[A6] B01: makes 10,000 session ids of 192 bits without a bit that leans to one side', () => {
  const ids = Array.from(
    { length: COUNT },
    () => sessions.open({ caller, endpoint: undefined, door: 'http', outlet }).id,
  );
  expect(new Set(ids).size).toBe(COUNT);
  expect(ids.every((id) => /^[\x21-\x7e]{32}$/.test(id))).toBe(true);
  const bytes = ids.map((id) => Buffer.from(id, 'base64url'));
  expect(bytes.every((id) => id.length === 24)).toBe(true);
  const ones = new Array<number>(192).fill(0);
  const changes = new Array<number>(192).fill(0);
  for (const [i, id] of bytes.entries()) {
    for (let bit = 0; bit < 192; bit++) {
      const at = (from: Buffer) => (from[bit >> 3]! >> (bit & 7)) & 1;
      ones[bit]! += at(id);
      if (i > 0) changes[bit]! += at(id) ^ at(bytes[i - 1]!);
    }
  }
  // A fair coin stays within six standard deviations (50 each) in all but two of a thousand million runs.
  for (const count of [...ones, ...changes]) expect(Math.abs(count - COUNT / 2)).toBeLessThan(300);
});
