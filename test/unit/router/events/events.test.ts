import { expect, it } from 'vitest';
import { Events } from '../../../../router/events/events.ts';

it('[O9] numbers events without gaps, keeps the last five thousand, and gives them from a number on', () => {
  const events = new Events(() => 7);
  for (let n = 1; n <= 5_003; n++) events.add({ kind: 'tool_executed', agent: n % 2 === 0 ? 'even' : 'odd' });
  expect(events.last).toBe(5_003);
  expect(events.after(0, 2, () => true).map(({ seq }) => seq)).toEqual([4, 5]);
  expect(events.after(5_002, 10, () => true)).toEqual([{ seq: 5_003, atMs: 7, kind: 'tool_executed', agent: 'odd' }]);
  expect(events.newest(2, ({ agent }) => agent === 'even').map(({ seq }) => seq)).toEqual([5_000, 5_002]);
  expect(events.after(9_999, 10, () => true)).toEqual([]);
});

it('[O9] tells who watches once for many events, until they stop', async () => {
  const events = new Events(() => 0);
  let told = 0;
  const stop = await new Promise<() => void>((resolve) => {
    const end = events.watch(() => {
      told++;
      resolve(end);
    });
    for (let n = 0; n < 1_000; n++) events.add({ kind: 'tool_executed' });
  });
  expect(told).toBe(1);
  stop();
  events.add({ kind: 'tool_executed' });
  expect(told).toBe(1);
});

it('[O9] wakes who waits for one kind of event by that kind alone', async () => {
  const events = new Events(() => 0);
  const told: string[] = [];
  events.watch(() => told.push('health'), ['server_health_changed']);
  events.watch(() => told.push('stop'), ['emergency_activated']);
  const all = (kind: 'tool_executed' | 'emergency_activated') =>
    new Promise<void>((resolve) => {
      const end = events.watch(() => {
        end();
        resolve();
      });
      events.add({ kind });
    });
  await all('tool_executed');
  expect(told).toEqual([]);
  await all('emergency_activated');
  expect(told).toEqual(['stop']);
});
