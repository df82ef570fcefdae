import { expect, it } from 'vitest';
import { createChanges } from '../../../../servers/governance/changes.ts';
import { openGovernanceStore } from '../../../../servers/governance/store/open.ts';
import { createClock } from '../../../../shared/clock.ts';
import { king, magi, openVillage, plain, sage, tempFolder } from '../../../fixtures/governance/village.ts';

it('[G6] tells every event once, in order, with what it is about', async () => {
  const { decisions, policies, changes } = await openVillage();
  const told: unknown[] = [];
  const stop = changes.onChange(({ subject, event }) => told.push([subject, event.type]));
  const { id } = decisions.propose(magi, plain('minor_change'));
  decisions.vote(sage, id, 'approve', 'yes');
  policies.setByEmergency(king, 'knowledge.retention_days', 7, 'The disk is full');
  const proposal = { kind: 'proposal', id };
  expect(told).toEqual([
    [proposal, 'created'],
    [proposal, 'voted'],
    [proposal, 'approved'],
    [{ kind: 'policy', name: 'knowledge.retention_days' }, 'policy_set'],
  ]);
  stop();
  decisions.propose(magi, plain('minor_change'));
  expect(told.length).toBe(4);
});

it('[G6] a listener that votes when it hears of a proposal is heard in order too', async () => {
  const { decisions, changes } = await openVillage();
  const told: string[] = [];
  changes.onChange(({ subject, event }) => {
    if (event.type === 'created' && subject.kind === 'proposal') decisions.vote(sage, subject.id, 'approve', 'at once');
  });
  changes.onChange(({ event }) => told.push(event.type));
  decisions.propose(magi, plain('minor_change'));
  expect(told).toEqual(['created', 'voted', 'approved']);
});

it('[G6] a listener that throws keeps no other from hearing, and the vote stands', async () => {
  const dataDir = tempFolder();
  const village = await openVillage({ dataDir });
  const store = await openGovernanceStore(dataDir, createClock(Date.now, performance.now.bind(performance)));
  const faults: unknown[] = [];
  const changes = createChanges(store, (error) => faults.push(error));
  const heard: string[] = [];
  const fault = new Error('on purpose');
  changes.onChange(() => {
    throw fault;
  });
  changes.onChange(({ event }) => heard.push(event.type));
  village.decisions.propose(magi, plain('minor_change'));
  changes.deliver();
  expect(heard).toEqual(['created']);
  expect(faults).toEqual([fault]);
  await store.close();
});

it('[G6] hears within 100 ms what another connection wrote', async () => {
  const writer = await openVillage();
  const reader = await openVillage({ dataDir: writer.dataDir });
  const stop = reader.changes.watch(25);
  const delays: number[] = [];
  for (let i = 0; i < 20; i++) {
    const heard = new Promise<number>((resolve) => {
      const unhear = reader.changes.onChange(() => {
        unhear();
        resolve(performance.now());
      });
    });
    writer.decisions.propose(magi, plain('minor_change', `${i}`));
    const written = performance.now();
    delays.push((await heard) - written);
  }
  stop();
  delays.sort((a, b) => a - b);
  process.stderr.write(
    `change heard by another connection: p50 ${delays[10]?.toFixed(1)} ms, worst ${delays[19]?.toFixed(1)} ms\n`,
  );
  // At most the interval and a little when nothing else runs; the median is judged, a machine may be busy for a moment.
  expect(delays[10]).toBeLessThan(100);
});
