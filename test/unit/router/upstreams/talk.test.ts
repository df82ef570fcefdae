import { expect, it } from 'vitest';
import { reasonsToPause } from '../../../../router/upstreams/reasons-to-pause.ts';
import { Talk } from '../../../../router/upstreams/talk.ts';

function counted() {
  const told: string[] = [];
  return { told, flow: { pause: () => told.push('pause'), resume: () => told.push('resume') } };
}

it('[R6] D09: a server that talks all the time has a quarter of it at most', () => {
  const { told, flow } = counted();
  const talk = new Talk(flow);
  let talkedMs = 0;
  let now = 1_000;
  // Read whenever it may be, for ten seconds; looked at every 25 ms.
  while (now < 11_000) {
    const until = now + 25;
    while (now < until && !talk.isHeldBack) {
      now += 0.1;
      talkedMs += 0.1;
      talk.took(0.1, 100, now);
    }
    now = until;
    talk.tick(now);
  }
  expect(talkedMs).toBeGreaterThan(1_000);
  expect(talkedMs).toBeLessThan(2_700);
  expect(told.length).toBeGreaterThan(100);
});

it('[P3] a server that talks now and then is never held back', () => {
  const { told, flow } = counted();
  const talk = new Talk(flow);
  for (let now = 1_000; now < 11_000; now += 1) talk.took(0.05, 1_000, now);
  expect(told).toEqual([]);
});

it('[R6] what is held back for two reasons is read again when neither holds', () => {
  const { told, flow } = counted();
  const reason = reasonsToPause(flow);
  const [one, other] = [reason(), reason()];
  one.pause();
  other.pause();
  one.resume();
  expect(told).toEqual(['pause']);
  other.resume();
  expect(told).toEqual(['pause', 'resume']);
});
