import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { greet, type Link, welcome } from '../../../../servers/fog/link/link.ts';
import { type FromNode, type FromServer, fromNode, fromServer } from '../../../../servers/fog/link/messages.ts';
import { type FogStore, openFogStore } from '../../../../servers/fog/store/open.ts';
import { createDispatcher, type Dispatcher } from '../../../../servers/fog/work/dispatcher.ts';
import { FREE_OF_CHARGE } from '../../../../servers/fog/work/metering.ts';
import { createNodes, type Nodes } from '../../../../servers/fog/work/nodes.ts';
import { createWork, type Work } from '../../../../servers/fog/work/work.ts';
import { DEFAULT_TRUST } from '../../../../shared/fog-rules.ts';
import type { Log } from '../../../../shared/log.ts';
import { makeNodeKey, type NodeKey } from '../../../../shared/p2p/key.ts';
import { pipe } from '../../../fixtures/fog/frames.ts';

const silent: Log = { debug() {}, info() {}, warn() {}, error() {} };
const TIMING = { beatEveryMs: 500, leaseMs: 3_000, returnWithinMs: 1_500, orphanAfterMs: 30_000, tickMs: 2 };

const serverKey = makeNodeKey();
let folder: string;
let store: FogStore;
let nodes: Nodes;
let work: Work;
let dispatcher: Dispatcher;
let now: number;
let looks: number;
let admitted: ReadonlySet<string> | undefined;

beforeEach(async () => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'fog-dispatcher-'));
  store = await openFogStore(folder);
  nodes = createNodes(store, () => DEFAULT_TRUST);
  work = createWork(store, FREE_OF_CHARGE);
  now = 1_000_000;
  looks = 0;
  admitted = undefined;
  dispatcher = createDispatcher({
    work,
    nodes,
    nowMs() {
      looks++;
      return now;
    },
    log: silent,
    timing: TIMING,
    admits: (nodeId) => admitted?.has(nodeId) ?? true,
    peers: () => ['/ip4/127.0.0.1/tcp/1'],
  });
});
afterEach(async () => {
  await dispatcher.close();
  await store.close();
  fs.rmSync(folder, { recursive: true, force: true });
});

/** A node that a test plays by hand. */
interface Played {
  readonly nodeId: string;
  readonly link: Link<FromNode, FromServer>;
  join(runs?: { work_id: string; fence: number }[]): Promise<FromServer>;
  /** The next message of this type; those before it are passed over. */
  next<T extends FromServer['type']>(type: T): Promise<Extract<FromServer, { type: T }>>;
  beat(number: number): void;
  finish(work_id: string, fence: number): void;
}

async function play(key: NodeKey = makeNodeKey()): Promise<Played> {
  const { near, far } = pipe();
  const [ofServer, link] = await Promise.all([
    welcome<FromServer, FromNode>({ frames: far, signer: serverKey, remotePeerId: key.peerId, incoming: fromNode }),
    greet<FromNode, FromServer>({ frames: near, signer: key, remotePeerId: serverKey.peerId, incoming: fromServer }),
  ]);
  dispatcher.serve(ofServer).catch(() => undefined);
  const messages = link.messages()[Symbol.asyncIterator]();
  const next: Played['next'] = async (type) => {
    for (;;) {
      const { value, done } = await messages.next();
      if (done === true) throw new Error(`the link ended before ${type}`);
      if (isOf(value, type)) return value;
    }
  };
  return {
    nodeId: key.peerId,
    link,
    next,
    async join(runs = []) {
      link.send({
        type: 'join',
        agent: 'bob',
        cpu_cores: 1,
        memory_gb: 1,
        gpu: false,
        price_micro: 0,
        has_sandbox: true,
        programs: ['command:sleep'],
        runs,
      });
      const { value } = await messages.next();
      return value;
    },
    beat: (number) => link.send({ type: 'beat', number, load: 0, memory_free_gb: 1, runs: [] }),
    finish(work_id, fence) {
      const result = {
        outcome: 'succeeded',
        detail: '',
        cpu_ms: 1,
        mb_ms: 1,
        stderr: '',
        is_truncated: false,
      } as const;
      link.send({ type: 'finished', work_id, fence, ...result, stdout: `by ${key.peerId}` });
    },
  };
}

/** A node whose job `a` ended at once: `b` finds room there, `c` waits there. */
async function playQuick(): Promise<Played> {
  const node = await play();
  await node.join();
  for (const id of ['a', 'b', 'c']) order(id);
  await node.next('run');
  node.link.send({ type: 'started', work_id: 'a', fence: 1 });
  node.finish('a', 1);
  expect([await node.next('run'), await node.next('run')]).toMatchObject([{ work_id: 'b' }, { work_id: 'c' }]);
  return node;
}

/** Lets time pass, and the dispatcher see it: a longer step would look as if it had slept. */
async function pass(ms: number): Promise<void> {
  now += ms;
  const seen = looks + 3;
  while (looks < seen) await new Promise((resolve) => setImmediate(resolve));
}

function isOf<T extends FromServer['type']>(message: FromServer, type: T): message is Extract<FromServer, { type: T }> {
  return message.type === type;
}

function order(workId: string): void {
  work.order(
    {
      workId,
      kind: 'job',
      label: workId,
      agent: 'alice',
      program: 'command:sleep',
      args: [],
      cpuCores: 1,
      memoryGb: 0.5,
      gpu: false,
      wallSeconds: 10,
      priority: 5,
      targetNode: undefined,
      maxPriceMicro: undefined,
    },
    now,
  );
  dispatcher.poke();
}

describe('the dispatcher', () => {
  it('[F3] refuses a late result with an old number, and takes the one that counts', async () => {
    const first = await play();
    await first.join();
    order('w');
    expect(await first.next('run')).toMatchObject({ work_id: 'w', fence: 1 });
    await pass(TIMING.leaseMs / 3);
    const second = await play();
    await second.join();
    await pass(TIMING.leaseMs / 3);
    second.beat(1);
    await second.next('beaten');
    await pass(TIMING.leaseMs / 3);
    await pass(TIMING.leaseMs / 3);
    expect(await second.next('run')).toMatchObject({ work_id: 'w', fence: 2 });
    expect(nodes.get(first.nodeId)?.state).toBe('lost');

    const again = await play();
    await again.join([{ work_id: 'w', fence: 1 }]);
    again.finish('w', 1);
    expect(await again.next('taken')).toMatchObject({ counted: false });
    second.finish('w', 2);
    expect(await second.next('taken')).toMatchObject({ counted: true });
    expect(work.output('w')?.stdout).toBe(`by ${second.nodeId}`);
  });

  it('[F1] tells a node that joins what it holds and must drop, and where the peers are', async () => {
    const node = await play();
    expect(await node.join([{ work_id: 'unknown', fence: 7 }])).toMatchObject({
      type: 'joined',
      drop: [{ work_id: 'unknown', fence: 7 }],
      peers: ['/ip4/127.0.0.1/tcp/1'],
    });
  });

  it('[F3] takes work back from a node that comes back without it, and keeps what it still has', async () => {
    const key = makeNodeKey();
    const node = await play(key);
    await node.join();
    order('w');
    await node.next('run');
    const same = await play(key);
    expect(await same.join([{ work_id: 'w', fence: 1 }])).toMatchObject({ drop: [] });
    expect(work.get('w')).toMatchObject({ status: 'placed', fence: 1 });
    const empty = await play(key);
    await empty.join();
    expect(await empty.next('run')).toMatchObject({ work_id: 'w', fence: 2 });
  });

  it('[F1] refuses nodes that are not on the list, and gives them nothing', async () => {
    admitted = new Set();
    const node = await play();
    expect(await node.join()).toMatchObject({ type: 'refused' });
    expect(nodes.list(['up', 'lost', 'left'])).toEqual([]);
  });

  it('[F1] does not blame the nodes when it slept itself', async () => {
    const node = await play();
    await node.join();
    order('w');
    await node.next('run');
    now += 60_000;
    node.beat(1);
    await node.next('beaten');
    expect(work.get('w')).toMatchObject({ status: 'placed', fence: 1 });
  });

  it('[F1] hears nothing from a node that did not join first', async () => {
    const node = await play();
    node.finish('w', 1);
    await expect(node.next('taken')).rejects.toThrow('the link ended');
  });

  it('[F3] gives a node that ends jobs fast its next one ahead, which holds nothing until there is room', async () => {
    const node = await playQuick();
    expect(work.get('c')).toMatchObject({ status: 'placed', is_ahead: 1 });
    expect(nodes.get(node.nodeId)).toMatchObject({ usedCpuCores: 1, jobs: 1 });
    node.link.send({ type: 'started', work_id: 'b', fence: 1 });
    node.finish('b', 1);
    await node.next('taken');
    expect(work.get('c')).toMatchObject({ status: 'placed', is_ahead: 0 });
    node.finish('c', 1);
    expect(await node.next('taken')).toMatchObject({ work_id: 'c', counted: true });
  });

  it('[F3] gives nothing ahead to a node whose jobs take long', async () => {
    const node = await play();
    await node.join();
    for (const id of ['a', 'b', 'c']) order(id);
    await node.next('run');
    node.link.send({ type: 'started', work_id: 'a', fence: 1 });
    node.beat(1);
    await node.next('beaten');
    await pass(1_000);
    node.finish('a', 1);
    expect(await node.next('run')).toMatchObject({ work_id: 'b' });
    await pass(0);
    expect(work.get('c')).toMatchObject({ status: 'queued' });
  });

  it('[F3] takes back what waits on a node for too long, once the node says that it had not started', async () => {
    const node = await playQuick();
    await pass(600);
    expect(await node.next('recall')).toMatchObject({ work_id: 'c', fence: 1 });
    expect(work.get('c')).toMatchObject({ status: 'placed' });
    const other = await play();
    await other.join();
    node.link.send({ type: 'returned', work_id: 'c', fence: 1 });
    expect(await other.next('run')).toMatchObject({ work_id: 'c', fence: 2 });
    expect(work.get('c')).toMatchObject({ failures: 0, avoid: '[]' });
    expect(work.runs('c')).toMatchObject([{ ending: 'returned' }, { ending: null }]);
    // Said again, or too late, it changes nothing.
    node.link.send({ type: 'returned', work_id: 'c', fence: 1 });
    node.beat(1);
    await node.next('beaten');
    expect(work.get('c')).toMatchObject({ status: 'placed', fence: 2, node_id: other.nodeId });
  });

  it('[F3] cancels what waits on a node', async () => {
    const node = await playQuick();
    work.cancel('c', now);
    dispatcher.poke();
    expect(await node.next('stop')).toMatchObject({ work_id: 'c', fence: 1 });
    node.link.send({ type: 'returned', work_id: 'c', fence: 1 });
    await expect.poll(() => work.get('c')?.status).toBe('cancelled');
  });

  it('[F3] takes a job from a node that beats and does not end it in its time', async () => {
    const node = await play();
    await node.join();
    order('w');
    await node.next('run');
    node.link.send({ type: 'started', work_id: 'w', fence: 1 });
    for (let number = 1; work.get('w')?.fence === 1 && number < 60; number++) {
      await pass(1_000);
      node.beat(number);
      await node.next('beaten');
    }
    expect(now - 1_000_000).toBeGreaterThan(40_000);
    expect(work.runs('w')[0]).toMatchObject({ ending: 'overdue' });
    expect(nodes.get(node.nodeId)?.state).toBe('up');
    node.finish('w', 1);
    expect(await node.next('taken')).toMatchObject({ counted: false });
  });
});
