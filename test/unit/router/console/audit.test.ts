import { expect, it } from 'vitest';
import { gapsIn } from '../../../../router/console/page/audit.ts';

const record = (seq: number, kind: string, callId?: string) => ({
  seq,
  time: seq * 20_000,
  kind,
  ...(callId && { callId }),
});

it('[C2] finds numbers that are missing among records, and calls of more than a minute ago that have no end', () => {
  const records = [
    record(9, 'call_finished', 'b'),
    record(8, 'call_started', 'c'),
    record(5, 'call_started', 'b'),
    record(4, 'session_opened'),
    record(3, 'call_started', 'a'),
  ];
  const { missing, open } = gapsIn(records);
  expect(missing).toEqual([{ from: 6, to: 7 }]);
  expect(open.map(({ callId }) => callId)).toEqual(['a']);
});

it('[C2] finds nothing in a whole stretch', () => {
  expect(gapsIn([record(2, 'call_finished', 'a'), record(1, 'call_started', 'a')])).toEqual({ missing: [], open: [] });
});
