/** Broadcasts among eight real nodes of one process; thirty-two are a trial of their own (`npm run soak -- broadcast`). */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Broadcasters } from './lib/broadcasters.ts';

/** More in one process need a machine with nothing else to do: each signature is checked by each node. */
const NODES = 8;
const ROUNDS = 8;
let nodes: Broadcasters;

beforeAll(async () => {
  nodes = await Broadcasters.start(NODES);
}, 120_000);
afterAll(() => nodes.close());

it('[N5] reaches all others, each once, in time', async () => {
  await nodes.untilAllListen(30_000);
  const { delaysMs, doubled } = await nodes.broadcast(ROUNDS, 30_000);
  expect(doubled).toBe(0);
  expect(delaysMs).toHaveLength(ROUNDS * (NODES - 1));
  const p99 = delaysMs[Math.floor(delaysMs.length * 0.99)]!;
  console.log(`[N5] ${ROUNDS} broadcasts to ${NODES} nodes: p50 ${delaysMs[delaysMs.length >> 1]} ms, p99 ${p99} ms`);
  expect(p99).toBeLessThanOrEqual(1_000);
}, 90_000);
