import fs from 'node:fs';
import { expect, it, onTestFinished } from 'vitest';
import { openMoney } from '../../../../servers/fog/money/open.ts';
import type { RunEnd } from '../../../../servers/fog/node/limits.ts';
import { openFogStore } from '../../../../servers/fog/store/open.ts';
import { createNodes } from '../../../../servers/fog/work/nodes.ts';
import { createWork, type WorkOrder } from '../../../../servers/fog/work/work.ts';
import { readEconomyRules } from '../../../../shared/economy-rules.ts';
import { parseFog } from '../../../../shared/fog-amount.ts';
import { DEFAULT_TRUST } from '../../../../shared/fog-rules.ts';
import { createWatches } from '../../../../shared/watches.ts';
import { ECONOMY, HOUR, silent } from '../../../fixtures/fog/economy.ts';
import { newFolder } from '../../../fixtures/fog/money.ts';

const RULES = readEconomyRules(ECONOMY);
const OFFER = {
  agent: 'sage',
  cpuCores: 2,
  memoryGb: 4,
  gpu: false,
  priceMicro: 0,
  hasSandbox: true,
  programs: ['command:sleep'],
};
const order = (workId: string, maxPriceMicro: number | undefined): WorkOrder => ({
  workId,
  kind: 'job',
  label: workId,
  agent: 'magi',
  program: 'command:sleep',
  args: [],
  cpuCores: 1,
  memoryGb: 1,
  gpu: false,
  wallSeconds: 7_200,
  priority: 5,
  targetNode: undefined,
  maxPriceMicro,
});
const result: RunEnd = {
  outcome: 'succeeded',
  exitCode: 0,
  detail: '',
  cpuMs: HOUR,
  mbMs: 0,
  stdout: '',
  stderr: '',
  isTruncated: false,
};

async function open() {
  const dataDir = newFolder();
  const store = await openFogStore(dataDir);
  const watches = createWatches(store, () => {});
  let now = 1;
  const base = { store, watches, nowMs: () => now, newId: () => 'id' };
  const money = openMoney(base, { rules: () => RULES, call: undefined, log: silent });
  const nodes = createNodes(store, () => DEFAULT_TRUST);
  for (const id of ['n1', 'n2']) nodes.join(id, OFFER, 0);
  onTestFinished(async () => {
    money.close();
    watches.close();
    await store.close();
    fs.rmSync(dataDir, { recursive: true, force: true });
  });
  const available = (agent: string) => money.deps.ledger.holdings(agent).available;
  const wait = (ms: number): number => {
    now += ms;
    return now;
  };
  return { work: createWork(store, money.rewards), ...money.deps, available, wait };
}

it('[F3] [F6] a job that cannot be paid is not taken: neither work nor money is stored', async () => {
  const { work, ledger, available } = await open();
  expect(() => work.order(order('dear', 200_000_000), 1)).toThrow(/has 100 FOG, and 200 FOG/);
  expect(work.get('dear')).toBeUndefined();
  expect(available('magi')).toBe(parseFog(100));
  expect(ledger.verify()).toMatchObject({ sum: 0n, firstBad: undefined });
});

it('[F3] [F6] a job that was lost and run again is paid once, to the node whose result counted; the rest comes back', async () => {
  const { work, ledger, available, wait } = await open();
  work.order(order('j', 10_000_000), wait(1));
  expect(available('magi')).toBe(parseFog(90));
  const first = work.grant('j', 'n1', wait(1))!;
  work.started('j', first.fence, 'n1', wait(1));
  work.release('n1', wait(HOUR));
  const second = work.grant('j', 'n2', wait(1))!;
  work.started('j', second.fence, 'n2', wait(1));
  wait(HOUR);
  expect(work.finished('j', first.fence, 'n1', result, wait(1))).toBe(false);
  expect(work.finished('j', second.fence, 'n2', result, wait(1))).toBe(true);
  expect(work.finished('j', second.fence, 'n2', result, wait(1))).toBe(false);
  // An hour of a core: 2 FOG of pay, and 3.6 of reward.
  expect(available('magi')).toBe(parseFog(98));
  expect(available('sage')).toBe(parseFog('105.6'));
  expect(ledger.escrowed('work:j')).toBe(0n);
  expect(ledger.verify()).toMatchObject({ sum: 0n, firstBad: undefined });
});

it('[F3] [F6] a job that is cancelled before it ran costs nothing', async () => {
  const { work, available, wait } = await open();
  work.order(order('j', 10_000_000), wait(1));
  work.cancel('j', wait(1));
  expect(available('magi')).toBe(parseFog(100));
});
