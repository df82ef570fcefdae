import { expect, it } from 'vitest';
import type { Call } from '../../../../router/call.ts';
import type { Entry } from '../../../../router/catalog/catalog.ts';
import { Figures } from '../../../../router/metrics/figures.ts';
import { BOUNDS_MS, Durations } from '../../../../shared/metrics/durations.ts';

/** What the figures read of a call and its entry. */
function callOf(tool: string): { call: Call; entry: Entry } {
  const call: Partial<Call> = {
    startedAt: 0,
    outcome: 'ok',
    correlationId: tool,
    stepsMs: [1, Number.NaN, 3, 4, 5],
    caller: { agentId: 'a' } as Call['caller'],
  };
  const entry = { server: { id: 's' }, target: { kind: 'tool', listedName: tool } };
  return { call: call as Call, entry: entry as Entry };
}

it('[O6] counts a thousand tools by name, and a hundred thousand more as `other`', () => {
  const figures = new Figures();
  for (let n = 0; n < 101_000; n++) {
    const { call, entry } = callOf(`t${n}`);
    figures.ended(call, entry);
  }
  const counts = [...figures.callCounts()];
  expect(counts).toHaveLength(1_001);
  expect(counts.at(-1)).toEqual({ server: 'other', tool: 'other', outcome: 'ok', count: 100_000 });
  expect(counts[0]).toEqual({ server: 's', tool: 't0', outcome: 'ok', count: 1 });
});

it('[O6] puts a duration under the first bound that it does not pass', () => {
  const durations = new Durations();
  for (const ms of [0, 0.05, 0.06, 60_000, 60_001]) durations.observe(ms);
  expect([...durations.counts]).toEqual([2, 1, ...BOUNDS_MS.slice(3).map(() => 0), 1, 1]);
  expect(durations.count).toBe(5);
});

it('[O6] keeps the steps of the last five thousand calls of tools', () => {
  const figures = new Figures();
  for (let n = 0; n < 5_001; n++) {
    const { call, entry } = callOf(`t${n}`);
    figures.ended(call, entry);
  }
  const last = figures.recent.find('t5000');
  expect(last).toMatchObject({ callId: 't5000', agent: 'a', server: 's', tool: 't5000', outcome: 'ok' });
  expect(last?.stepsMs).toEqual([1, Number.NaN, 3, 4, 5]);
  expect(figures.recent.find('t1')).toBeDefined();
  expect(figures.recent.find('t0')).toBeUndefined();
});
