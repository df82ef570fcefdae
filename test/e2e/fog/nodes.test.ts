import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type FogCaller, type FogVillage, type NodeProcess, startFogVillage } from '../lib/fog.ts';
import { childrenOf, isAlive, processesWith } from '../lib/processes.ts';
import { until } from '../lib/until.ts';

interface Shard {
  readonly shard_id: string;
  readonly node_id: string | null;
  readonly status: string;
  readonly log_tail: string;
  readonly runs: readonly { readonly number: number; readonly node_id: string; readonly ending: string | null }[];
}
interface Node {
  readonly node_id: string;
  readonly state: string;
}

let fog: FogVillage;
let magi: FogCaller;
let nodes: NodeProcess[];

beforeAll(async () => {
  fog = await startFogVillage('p2p');
  magi = await fog.as('magi');
  const start = () => fog.startNode('--cpu-cores', '1', '--memory-gb', '1');
  nodes = await Promise.all([start(), start(), start()]);
}, 90_000);
afterAll(() => fog.remove(), 30_000);

const shardOf = async (id: string): Promise<Shard> => {
  const { shards } = (await magi.call('fog_shards', { shard_id: id, include_ended: true })) as { shards: Shard[] };
  const [shard] = shards;
  if (shard === undefined) throw new Error(`no shard ${id}`);
  return shard;
};
const stateOf = async (nodeId: string): Promise<string | undefined> => {
  const { nodes: all } = (await magi.call('fog_resources', { include_gone: true })) as { nodes: Node[] };
  return all.find(({ node_id }) => node_id === nodeId)?.state;
};
const deploy = (shard_id: string, target_node?: string) =>
  magi.call('deploy_agent_shard', {
    agent_type: 'magi',
    shard_id,
    ...(target_node !== undefined && { target_node }),
    resource_allocation: { cpu_cores: 0.2, memory_gb: 0.2, priority: 'high' },
  });
const submit = async (script: string, target_node?: string) => {
  const { job_id } = await magi.call('fog_submit_job', {
    command: 'sh',
    args: [script],
    resources: { cpu_cores: 0.2, memory_gb: 0.1, wall_seconds: 30 },
    ...(target_node !== undefined && { target_node }),
  });
  return String(job_id);
};
const jobOf = (job_id: string, wait_seconds = 0) => magi.call('fog_job_status', { job_id, wait_seconds });

describe('three nodes that joined by the address of the peers', () => {
  it('[F1] are found among the peers, and take work', async () => {
    const ids = nodes.map(({ nodeId }) => nodeId).toSorted();
    const found = await until(
      'all three are found',
      async () => {
        const { available_nodes } = (await magi.call('discover_fog_nodes', {
          min_cpu_cores: 1,
          min_memory_gb: 1,
          gpu_required: false,
        })) as { available_nodes: Node[] };
        return available_nodes.length === 3 && available_nodes;
      },
      20_000,
    );
    expect(found.map(({ node_id }) => node_id).toSorted()).toEqual(ids);
    const { nodes: listed, total } = (await magi.call('fog_resources')) as { nodes: Node[]; total: object };
    expect(listed.map(({ node_id }) => node_id).toSorted()).toEqual(ids);
    expect(total).toMatchObject({ nodes: 3, cpu_cores: 3, memory_gb: 3 });
  });

  it('[F2] run shards, spread over them, that answer pings', async () => {
    const placed = await Promise.all(['a', 'b', 'c'].map((id) => deploy(`magi-${id}`)));
    expect(placed.map(({ status }) => status)).toEqual(['running', 'running', 'running']);
    expect(new Set(placed.map(({ node_id }) => node_id)).size).toBe(3);
    await until('the shard speaks', async () => (await shardOf('magi-a')).log_tail.includes('magi is here'), 10_000);
    await expect(deploy('magi-a')).rejects.toThrow(/is there already \(running\)/);
  });

  it('[F3] lose one by kill -9: its shard runs elsewhere within 5 s, its job counts once', async () => {
    const before = await shardOf('magi-a');
    const victim = nodes.find(({ nodeId }) => nodeId === before.node_id)!;
    const job = await submit('sleep 2; echo counted', victim.nodeId);
    await until('the job runs', async () => (await jobOf(job)).status === 'running', 10_000);
    const killedAt = performance.now();
    await victim.end('SIGKILL');
    const moved = await until(
      'the shard runs elsewhere',
      async () => {
        const shard = await shardOf('magi-a');
        return shard.status === 'running' && shard.node_id !== before.node_id && shard;
      },
      10_000,
    );
    const tookMs = performance.now() - killedAt;
    process.stderr.write(`shard elsewhere after ${Math.round(tookMs)} ms\n`);
    expect(tookMs).toBeLessThan(5_000);
    expect(moved.runs.map(({ ending }) => ending)).toEqual(['node_gone', null]);
    expect(await stateOf(victim.nodeId)).toBe('lost');

    const ended = await jobOf(job, 30);
    expect(ended).toMatchObject({ status: 'succeeded', exit_code: 0, stdout: 'counted\n' });
    expect(ended.runs).toMatchObject([
      { number: 1, node_id: victim.nodeId, ending: 'node_gone' },
      { number: 2, ending: 'accepted' },
    ]);
  });

  it('[F3] are parted from the server and heal: what ran there ran again, and only that counts', async () => {
    const parted = nodes.find(({ process: { signalCode } }) => signalCode === null)!;
    await deploy('magi-parted', parted.nodeId);
    const job = await submit('sleep 1; echo from a node', parted.nodeId);
    await until('the job runs', async () => (await jobOf(job)).status === 'running', 10_000);
    parted.process.kill('SIGSTOP');
    await until('the node counts as lost', async () => (await stateOf(parted.nodeId)) === 'lost', 10_000);
    const ended = await jobOf(job, 30);
    expect(ended).toMatchObject({ status: 'succeeded', stdout: 'from a node\n' });
    const moved = await shardOf('magi-parted');
    expect(moved.node_id).not.toBe(parted.nodeId);

    parted.process.kill('SIGCONT');
    await until('the node is back', async () => (await stateOf(parted.nodeId)) === 'up', 20_000);
    // Its own copies are over: it holds nothing by the book, and takes new work.
    const after = await submit('echo back', parted.nodeId);
    expect(await jobOf(after, 20)).toMatchObject({ status: 'succeeded', node_id: parted.nodeId, stdout: 'back\n' });
    expect((await jobOf(job)).runs).toEqual(ended.runs);
    expect(ended.runs).toMatchObject([{ ending: 'node_gone' }, { ending: 'accepted' }]);
    expect((await shardOf('magi-parted')).node_id).toBe(moved.node_id);
  });

  it('[F2] outlive a server that is killed: it comes back, and the same runs go on', async () => {
    const before = await shardOf('magi-c');
    const children = new Set(childrenOf(fog.village.process.pid!).map(({ pid }) => pid));
    const [server] = processesWith('serve\0fog').filter((pid) => children.has(pid));
    process.kill(server!, 'SIGKILL');
    await until('the server is gone', () => !isAlive(server!));
    // While it starts anew, a call may be told that the server was lost, and is made again.
    const back = await until(
      'the shard is heard of',
      async () => {
        const shard = await shardOf('magi-c').catch(() => undefined);
        return shard?.log_tail !== '' && shard;
      },
      25_000,
    );
    expect(back).toMatchObject({ status: 'running', node_id: before.node_id, runs: before.runs });
    const job = await submit('echo after', before.node_id!);
    expect(await jobOf(job, 30)).toMatchObject({ status: 'succeeded', stdout: 'after\n' });
    expect((await shardOf('magi-c')).runs).toEqual(before.runs);
  }, 60_000);

  it('[F2] stop a shard for good, and a node that leaves hands its shards on', async () => {
    expect(await magi.call('fog_stop_shard', { shard_id: 'magi-b' })).toMatchObject({ status: 'stopped' });
    const shard = await shardOf('magi-c');
    const leaving = nodes.find(({ nodeId }) => nodeId === shard.node_id)!;
    await leaving.end();
    await until(
      'the shard runs elsewhere',
      async () => {
        const now = await shardOf('magi-c');
        return now.status === 'running' && now.node_id !== leaving.nodeId;
      },
      10_000,
    );
    expect(await stateOf(leaving.nodeId)).toBe('left');
  });
});
