/** Workflow 3: fog nodes are found over libp2p, magi shards are placed on them, a node is killed, its shard moves. */
import { type ChildProcess, spawn } from 'node:child_process';
import type { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { call, type DemoVillage, firstReady } from './village.ts';
import { endProcess, soon } from './within.ts';

const NODES = 3;
/** What is asked for first; on a small machine what is there. */
const WANTED = { min_cpu_cores: 4, min_memory_gb: 8, gpu_required: false };
const NODE_OFFER = ['--cpu-cores', '1', '--memory-gb', '1'];
const SHARD = { cpu_cores: 0.25, memory_gb: 0.25, priority: 'high' };

interface FogNode {
  /** Known when it has joined. */
  readonly nodeId: string;
  readonly process: ChildProcess;
}

export async function moveShards(village: DemoVillage, say: (text: string) => void): Promise<void> {
  const magi = await village.connect('magi');
  await call(magi, 'fog_resources', {});
  await call(magi, 'p2p_status', {});
  const address = await soon('the address of the peers', async () =>
    (await village.command('p2p', 'address').catch(() => '')).trim(),
  );
  const started: ChildProcess[] = Array.from({ length: NODES }, () => startNode(village, address));
  try {
    const nodes = await Promise.all(started.map(joined));
    say(`${NODES} fog nodes, each a process with a data folder of its own, joined by the peers' address`);
    await discover(magi, say);

    const placed = await Promise.all(
      ['magi-1', 'magi-2', 'magi-3'].map((shard_id) =>
        call(magi, 'deploy_agent_shard', { agent_type: 'magi', shard_id, resource_allocation: SHARD }),
      ),
    );
    for (const { shard_id, node_id, status } of placed)
      say(`${String(shard_id)} is ${String(status)} on ${short(node_id)}`);

    const victim = nodes.find(({ nodeId }) => nodeId === placed[0]?.node_id);
    if (victim === undefined) throw new Error(`magi-1 was not placed: ${JSON.stringify(placed[0])}`);
    const killedAt = performance.now();
    victim.process.kill('SIGKILL');
    say(`${short(victim.nodeId)} is killed`);
    const moved = await soon('magi-1 to move', async () => {
      const { shards } = (await call(magi, 'fog_shards', { shard_id: 'magi-1' })) as {
        shards: Record<string, unknown>[];
      };
      const [shard] = shards;
      return shard?.status === 'running' && shard.node_id !== victim.nodeId ? shard.node_id : '';
    });
    say(`magi-1 runs on ${short(moved)}, ${((performance.now() - killedAt) / 1_000).toFixed(1)} s later`);
  } finally {
    await Promise.all(started.map(endProcess));
  }
}

async function discover(magi: Client, say: (text: string) => void): Promise<void> {
  const found = async (asked: Record<string, unknown>) => {
    const { available_nodes } = await call(magi, 'discover_fog_nodes', asked);
    return available_nodes as { node_id: string; cpu_cores: number; memory_gb: number; latency_ms: number }[];
  };
  const large = await found(WANTED);
  say(`with 4 cores and 8 GB there are ${large.length}; with what is here:`);
  const all = await soon('the nodes to be found', async () => {
    const seen = await found({ ...WANTED, min_cpu_cores: 1, min_memory_gb: 1 });
    return seen.length >= NODES ? seen : undefined;
  });
  for (const { node_id, cpu_cores, memory_gb, latency_ms } of all) {
    say(`  ${short(node_id)}: ${cpu_cores} core, ${memory_gb} GB, ${latency_ms.toFixed(1)} ms away`);
  }
}

/** A process; it has joined when it says that it is ready. */
export function startNode(village: DemoVillage, address: string): ChildProcess {
  const { program, args, env } = village.start('fog', 'node', '--join', address, ...NODE_OFFER);
  return spawn(program, args, { env, stdio: ['ignore', 'pipe', 'ignore'] });
}

async function joined(child: ChildProcess): Promise<FogNode> {
  return { nodeId: await firstReady(child, 'a fog node to join'), process: child };
}

function short(nodeId: unknown): string {
  return `node …${String(nodeId).slice(-6)}`;
}
