import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openFogStore } from '../../../../servers/fog/store/open.ts';
import { believe } from '../../../../servers/fog/work/belief.ts';
import { FREE_OF_CHARGE } from '../../../../servers/fog/work/metering.ts';
import { createNodes } from '../../../../servers/fog/work/nodes.ts';
import { createScheduler } from '../../../../servers/fog/work/scheduler.ts';
import { createWork } from '../../../../servers/fog/work/work.ts';
import { DEFAULT_TRUST, type FogTrust } from '../../../../shared/fog-rules.ts';

const TRUST: FogTrust = {
  mostCores: 100,
  mostMemoryGb: 400,
  newNodeCores: 10,
  newNodeMemoryGb: 40,
  resultsToDouble: 50,
  vouchedFor: new Set(['known']),
};
const claim = { nodeId: 'new', cpuCores: 4_096, memoryGb: 65_536, delivered: 0, lost: 0 };

describe('what a node says of itself', () => {
  it.each([
    ['all of it when it is little', { cpuCores: 8, memoryGb: 32 }, 8, 32],
    ['no more than a new node gets', {}, 10, 40],
    ['each of the two for itself', { memoryGb: 16 }, 10, 16],
    ['no more while results are few', { delivered: 49 }, 10, 40],
    ['twice that after enough results', { delivered: 50 }, 20, 80],
    ['ten results less for each lost lease', { delivered: 59, lost: 1 }, 10, 40],
    ['never less than a new node', { delivered: 0, lost: 1_000 }, 10, 40],
    ['never more than the most', { delivered: 1e6 }, 100, 400],
    ['up to the most when somebody vouches for it', { nodeId: 'known' }, 100, 400],
    ['all of it when somebody vouches for it', { nodeId: 'known', cpuCores: 64, memoryGb: 256 }, 64, 256],
  ])('[F2] counts: %s', (_, over, cpuCores, memoryGb) => {
    expect(believe({ ...claim, ...over }, TRUST)).toMatchObject({ cpuCores, memoryGb });
  });

  it('[F2] [F4] is answered in words when less of it counts', () => {
    expect(believe(claim, TRUST).why).toBe(
      'it says 4096 cores and 65536 GB; 10 and 40 count, until it has delivered more (0 results counted, 0 leases lost) or fog.trust.vouched_for names it',
    );
    expect(believe({ ...claim, nodeId: 'known' }, TRUST).why).toContain('the most for any node');
    expect(believe({ ...claim, cpuCores: 1, memoryGb: 1 }, TRUST).why).toBeUndefined();
  });
});

describe('a node that says that it is huge, idle, near and free', () => {
  it('[F2] draws what a new node may hold, and the others get the rest', async () => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'fog-belief-'));
    const store = await openFogStore(folder);
    onTestFinished(async () => {
      await store.close();
      fs.rmSync(folder, { recursive: true });
    });
    const nodes = createNodes(store, () => DEFAULT_TRUST);
    const work = createWork(store, FREE_OF_CHARGE);
    const offer = { agent: 'a', gpu: false, hasSandbox: true, programs: ['agent:magi'] };
    nodes.join('huge', { ...offer, cpuCores: 4_096, memoryGb: 65_536, priceMicro: 0 }, 1);
    nodes.pulse('huge', { load: 0, memoryFreeGb: 65_536, latencyMs: 0 }, 1);
    const honest = ['n1', 'n2', 'n3'];
    for (const nodeId of honest) {
      nodes.join(nodeId, { ...offer, cpuCores: 8, memoryGb: 32, priceMicro: 5_000 }, 1);
      nodes.pulse(nodeId, { load: 0.9, memoryFreeGb: 8, latencyMs: 90 }, 1);
    }
    for (let index = 0; index < 45; index++) {
      work.order(
        {
          workId: `s${index}`,
          kind: 'shard',
          label: `s${index}`,
          agent: 'alice',
          program: 'agent:magi',
          args: [],
          cpuCores: 1,
          memoryGb: 0.5,
          gpu: false,
          wallSeconds: 0,
          priority: 5,
          targetNode: undefined,
          maxPriceMicro: undefined,
        },
        1,
      );
    }
    createScheduler({
      work,
      nodes,
      linked: () => new Set(['huge', ...honest]),
      quick: () => new Set(),
      give(gifts, isAhead, now) {
        for (const { row, nodeId } of gifts) work.grant(row.work_id, nodeId, now, isAhead);
      },
    }).schedule(2);
    expect(['huge', ...honest].map((nodeId) => nodes.get(nodeId)?.shards)).toEqual([16, 8, 8, 8]);
    expect(work.countWaiting()).toBe(5);
    expect(nodes.get('huge')).toMatchObject({
      cpuCores: 16,
      memoryGb: 64,
      belief: expect.stringContaining('4096 cores'),
    });
  });
});
