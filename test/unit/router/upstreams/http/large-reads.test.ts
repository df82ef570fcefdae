import { setImmediate as turn } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { LargeReads } from '../../../../../router/upstreams/http/large-reads.ts';

function reads(count: number) {
  const told: string[] = [];
  const all = Array.from({ length: count }, (_, i) => ({
    pauseReading: () => told.push(`pause ${i}`),
    startReading: () => told.push(`start ${i}`),
  }));
  return { told, all };
}

it('[R8] reads three large answers at once, and the next one when one of them is done', async () => {
  const { told, all } = reads(5);
  const large = new LargeReads();
  for (const read of all) large.enter(read);
  for (const read of all) large.enter(read);
  expect(told).toEqual(['start 0', 'start 1', 'start 2', 'pause 3', 'pause 4']);
  large.leave(all[1]!);
  large.leave(all[1]!);
  await turn();
  expect(told.slice(5)).toEqual(['start 3']);
});

it('[R8] begins no large answer while clients do not take what was read, and forgets one that was given up', async () => {
  const { told, all } = reads(2);
  const large = new LargeReads();
  large.holdBack(true);
  for (const read of all) large.enter(read);
  expect(told).toEqual(['pause 0', 'pause 1']);
  large.leave(all[0]!);
  large.holdBack(false);
  await turn();
  expect(told.slice(2)).toEqual(['start 1']);
});
