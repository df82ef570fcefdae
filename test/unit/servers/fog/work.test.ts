import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { RunEnd } from '../../../../servers/fog/node/limits.ts';
import { type FogStore, openFogStore } from '../../../../servers/fog/store/open.ts';
import { MAX_JOB_LEASES, MAX_SHARD_FAILURES } from '../../../../servers/fog/work/endings.ts';
import type { Metering, Rewards } from '../../../../servers/fog/work/metering.ts';
import { createNodes, type Nodes } from '../../../../servers/fog/work/nodes.ts';
import { createOwnership, OWNER_LEASE_MS } from '../../../../servers/fog/work/owner.ts';
import { createWork, type Work, type WorkOrder } from '../../../../servers/fog/work/work.ts';
import { needsOf } from '../../../../servers/fog/work/work-reads.ts';
import { DEFAULT_TRUST } from '../../../../shared/fog-rules.ts';

let folder: string;
let store: FogStore;
let nodes: Nodes;
let work: Work;
let metered: Metering[];
let released: string[];

const rewards: Rewards = {
  reserve({ maxPriceMicro }) {
    if (maxPriceMicro === 13) throw new Error('cannot pay');
  },
  record: (metering) => void metered.push(metering),
  release: (workId) => void released.push(workId),
};

const order = (workId: string, over: Partial<WorkOrder> = {}): WorkOrder => ({
  workId,
  kind: 'job',
  label: workId,
  agent: 'alice',
  program: 'command:sleep',
  args: ['1'],
  cpuCores: 1,
  memoryGb: 1,
  gpu: false,
  wallSeconds: 10,
  priority: 5,
  targetNode: undefined,
  maxPriceMicro: undefined,
  ...over,
});

const result = (over: Partial<RunEnd> = {}): RunEnd => ({
  outcome: 'succeeded',
  exitCode: 0,
  detail: 'ended with code 0',
  cpuMs: 100,
  mbMs: 2_000,
  stdout: 'out',
  stderr: '',
  isTruncated: false,
  ...over,
});

const OFFER = {
  agent: 'bob',
  cpuCores: 2,
  memoryGb: 4,
  gpu: false,
  priceMicro: 0,
  hasSandbox: true,
  programs: ['command:sleep'],
};

beforeEach(async () => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'fog-work-'));
  store = await openFogStore(folder);
  nodes = createNodes(store, () => DEFAULT_TRUST);
  metered = [];
  released = [];
  work = createWork(store, rewards);
  for (const id of ['n1', 'n2']) nodes.join(id, OFFER, 0);
});
afterEach(async () => {
  await store.close();
  fs.rmSync(folder, { recursive: true, force: true });
});

describe('a job', () => {
  it('[F3] counts once: a late result with an old number changes nothing', () => {
    work.order(order('j'), 1);
    const first = work.grant('j', 'n1', 2)!;
    expect(work.started('j', first.fence, 'n1', 3)).toBe(true);
    expect(work.release('n1', 4)).toBe(1);
    expect(work.finished('j', first.fence, 'n1', result({ stdout: 'late, not placed yet' }), 5)).toBe(false);
    const second = work.grant('j', 'n2', 6)!;
    expect(second.fence).toBe(first.fence + 1);
    expect(work.finished('j', first.fence, 'n1', result({ stdout: 'late' }), 7)).toBe(false);
    expect(work.finished('j', second.fence, 'n1', result({ stdout: 'by another node' }), 7)).toBe(false);
    expect(work.finished('j', second.fence, 'n2', result({ stdout: 'counted' }), 8)).toBe(true);
    expect(work.finished('j', second.fence, 'n2', result({ stdout: 'twice' }), 9)).toBe(false);
    expect(work.get('j')).toMatchObject({ status: 'succeeded', finished_at: 8, cpu_ms: 100, mb_ms: 2_000 });
    expect(work.output('j')?.stdout).toBe('counted');
    expect(work.runs('j').map(({ ending }) => ending)).toEqual(['node_gone', 'accepted']);
    expect(metered).toEqual([
      {
        key: 'run:j:2',
        kind: 'job',
        workId: 'j',
        label: 'j',
        nodeId: 'n2',
        nodeAgent: 'bob',
        agent: 'alice',
        cpuMs: 100,
        mbMs: 2_000,
        outcome: 'succeeded',
        at: 8,
      },
    ]);
    expect(released).toEqual(['j']);
  });

  it('[F3] waits again after a lost node, is kept from it, and is given up after the last chance', () => {
    work.order(order('j', { targetNode: 'n1' }), 1);
    for (let lost = 1; lost <= MAX_JOB_LEASES; lost++) {
      expect(work.get('j')?.status).toBe('queued');
      work.grant('j', 'n1', lost * 10);
      work.release('n1', lost * 10 + 1);
      if (lost < MAX_JOB_LEASES) {
        expect(needsOf(work.get('j')!)).toMatchObject({ avoid: ['n1'], targetNode: undefined });
      }
    }
    expect(work.get('j')?.status).toBe('lost');
    expect(released).toEqual(['j']);
  });

  it('[F3] is cancelled at once while it waits, by its node while it runs, and by nobody after its end', () => {
    work.order(order('waits'), 1);
    expect(work.cancel('waits', 2).status).toBe('cancelled');
    expect(work.grant('waits', 'n1', 3)).toBeUndefined();
    work.order(order('runs'), 1);
    const { fence } = work.grant('runs', 'n1', 2)!;
    expect(work.cancel('runs', 3)).toMatchObject({ status: 'placed', is_cancelling: 1 });
    expect(work.cancelling().map(({ work_id }) => work_id)).toEqual(['runs']);
    work.finished('runs', fence, 'n1', result({ outcome: 'cancelled' }), 4);
    expect(work.get('runs')?.status).toBe('cancelled');
    expect(work.cancel('runs', 5).status).toBe('cancelled');
    work.order(order('lost'), 1);
    work.grant('lost', 'n1', 2);
    work.cancel('lost', 3);
    work.release('n1', 4);
    expect(work.get('lost')?.status).toBe('cancelled');
  });

  it('[F3] is not stored when it cannot be paid', () => {
    expect(() => work.order(order('poor', { maxPriceMicro: 13 }), 1)).toThrow('cannot pay');
    expect(work.get('poor')).toBeUndefined();
  });

  it('[F3] comes in turn by priority, then by arrival; what is put off lets others pass', () => {
    for (const [id, priority] of [
      ['a', 5],
      ['b', 9],
      ['c', 5],
    ] as const)
      work.order(order(id, { priority }), 1);
    const ids = (now: number) => work.waiting(now, 10).map(({ work_id }) => work_id);
    expect(ids(2)).toEqual(['b', 'a', 'c']);
    work.putOff(['b'], 100);
    expect(ids(99)).toEqual(['a', 'c']);
    expect(ids(100)).toEqual(['b', 'a', 'c']);
  });
});

describe('a shard', () => {
  const shard = (workId: string) => order(workId, { kind: 'shard', label: 'magi-1', wallSeconds: 0 });

  it('[F2] moves when its node is lost, as often as that happens', () => {
    work.order(shard('s'), 1);
    for (let lost = 1; lost <= 20; lost++) {
      work.grant('s', 'n1', lost);
      expect(work.release('n1', lost)).toBe(1);
    }
    expect(work.get('s')).toMatchObject({ status: 'queued', failures: 0 });
  });

  it('[F2] starts again when it ends by itself, later each time, and is given up when it never lives long', () => {
    work.order(shard('s'), 0);
    let now = 0;
    const waits: number[] = [];
    for (let time = 1; time < MAX_SHARD_FAILURES; time++) {
      const { fence } = work.grant('s', 'n1', now)!;
      work.started('s', fence, 'n1', now);
      work.finished('s', fence, 'n1', result({ outcome: 'failed', exitCode: 1 }), now);
      waits.push(work.get('s')!.not_before - now);
      now = work.get('s')!.not_before;
    }
    expect(waits).toEqual([200, 400, 800, 1_600]);
    const { fence } = work.grant('s', 'n1', now)!;
    work.finished('s', fence, 'n1', result({ outcome: 'failed', exitCode: 1 }), now);
    expect(work.get('s')?.status).toBe('failed');
  });

  it('[F2] is named once among the living', () => {
    work.order(shard('s'), 1);
    expect(() => work.order(shard('t'), 2)).toThrow('is there already');
    work.cancel('s', 3);
    expect(work.order(shard('t'), 4).work_id).toBe('t');
    expect(work.shard('magi-1')?.work_id).toBe('t');
  });

  it('[F2] is metered in parts: each use is told once', () => {
    work.order(shard('s'), 1);
    const { fence } = work.grant('s', 'n1', 2)!;
    work.meter('s', fence, { cpuMs: 10, mbMs: 100 }, 3);
    work.meter('s', fence, { cpuMs: 25, mbMs: 300 }, 4);
    work.meter('s', fence + 1, { cpuMs: 999, mbMs: 999 }, 4);
    work.cancel('s', 5);
    work.finished('s', fence, 'n1', result({ outcome: 'cancelled', cpuMs: 30, mbMs: 400 }), 6);
    expect(metered.map(({ key, cpuMs, mbMs }) => [key, cpuMs, mbMs])).toEqual([
      [`run:s:${fence}:3`, 10, 100],
      [`run:s:${fence}:4`, 15, 200],
      [`run:s:${fence}:end`, 5, 100],
    ]);
    expect(work.get('s')).toMatchObject({ status: 'stopped', cpu_ms: 30, mb_ms: 400 });
  });
});

describe('nodes', () => {
  it('[F4] offer what placed work leaves of them, while they are up', () => {
    work.order(order('j', { cpuCores: 0.5, memoryGb: 1 }), 1);
    work.grant('j', 'n1', 2);
    const both = new Set(['n1', 'n2', 'not here']);
    expect(
      nodes.rooms(both).map(({ nodeId, freeCpuCores, freeMemoryGb }) => [nodeId, freeCpuCores, freeMemoryGb]),
    ).toEqual([
      ['n1', 1.5, 3],
      ['n2', 2, 4],
    ]);
    nodes.leave('n2', 'lost');
    expect(nodes.rooms(both).map(({ nodeId }) => nodeId)).toEqual(['n1']);
    expect(nodes.pulse('n2', { load: 0, memoryFreeGb: 1, latencyMs: 1 }, 9)).toBe(false);
    expect(nodes.get('n1')).toMatchObject({ usedCpuCores: 0.5, jobs: 1, shards: 0 });
  });
});

describe('the record of a node', () => {
  it("[F2] has its results for others, not its own agent's, and the leases that it lost", () => {
    for (const [id, agent] of [
      ['a', 'alice'],
      ['b', 'bob'],
      ['c', 'alice'],
      ['d', 'alice'],
    ] as const) {
      work.order(order(id, { agent }), 1);
      work.grant(id, 'n1', 2);
      if (id !== 'd') work.finished(id, 1, 'n1', result(id === 'c' ? { outcome: 'failed' } : {}), 3);
    }
    work.release('n1', 4);
    const record = store.first(store.db.selectFrom('nodes').select(['delivered', 'lost']).where('node_id', '=', 'n1'));
    expect(record).toEqual({ delivered: 1, lost: 1 });
  });
});

describe('the door', () => {
  it('[F1] is held by one process at a time, and taken over when that is silent', () => {
    const [one, two] = [createOwnership(store, 'one'), createOwnership(store, 'two')];
    expect([one.hold(0), two.hold(1)]).toEqual([true, false]);
    one.publish('peer', ['/ip4/127.0.0.1/tcp/1/p2p/peer']);
    expect(two.published(1)).toEqual({ peerId: 'peer', addresses: ['/ip4/127.0.0.1/tcp/1/p2p/peer'] });
    expect([one.hold(1_000), two.hold(OWNER_LEASE_MS + 1)]).toEqual([true, false]);
    expect(two.hold(1_000 + OWNER_LEASE_MS)).toBe(true);
    expect(one.hold(1_001 + OWNER_LEASE_MS)).toBe(false);
    one.publish('peer', ['stolen']);
    expect(two.published(1_001 + OWNER_LEASE_MS)).toBeUndefined();
    two.giveUp();
    expect(one.hold(1_002 + OWNER_LEASE_MS)).toBe(true);
  });
});
