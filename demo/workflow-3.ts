/** Workflow 3: fog nodes are found over libp2p, magi shards are placed on them, a node is killed, its shard moves. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { call, type DemoVillage } from './village.ts';

const NODES = 3;
/** What is asked for first; on a small machine what is there. */
const WANTED = { min_cpu_cores: 4, min_memory_gb: 8, gpu_required: false };
const NODE_OFFER = ['--cpu-cores', '1', '--memory-gb', '1'];
const SHARD = { cpu_cores: 0.25, memory_gb: 0.25, priority: 'high' };
const WITHIN_MS = 60_000;
/** A caller may make 100 calls a minute. */
const LOOK_EVERY_MS = 300;

export interface FogNode {
  readonly nodeId: string;
  readonly process: ChildProcess;
}

export async function moveShards(village: DemoVillage, say: (text: string) => void): Promise<void> {
  const magi = await village.connect('magi');
  await call(magi, 'fog_resources', {});
  await call(magi, 'p2p_status', {});
  const address = await soon(async () => (await village.command('p2p', 'address').catch(() => '')).trim());
  const nodes: FogNode[] = [];
  try {
    nodes.push(...(await Promise.all(Array.from({ length: NODES }, () => startNode(village, address)))));
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
    const moved = await soon(async () => {
      const { shards } = (await call(magi, 'fog_shards', { shard_id: 'magi-1' })) as {
        shards: Record<string, unknown>[];
      };
      const [shard] = shards;
      return shard?.status === 'running' && shard.node_id !== victim.nodeId ? shard.node_id : '';
    });
    say(`magi-1 runs on ${short(moved)}, ${((performance.now() - killedAt) / 1_000).toFixed(1)} s later`);
  } finally {
    await Promise.all(nodes.map(endNode));
  }
}

async function discover(magi: Client, say: (text: string) => void): Promise<void> {
  const found = async (asked: Record<string, unknown>) => {
    const { available_nodes } = await call(magi, 'discover_fog_nodes', asked);
    return available_nodes as { node_id: string; cpu_cores: number; memory_gb: number; latency_ms: number }[];
  };
  const large = await found(WANTED);
  say(`with 4 cores and 8 GB there are ${large.length}; with what is here:`);
  const all = await soon(async () => {
    const seen = await found({ ...WANTED, min_cpu_cores: 1, min_memory_gb: 1 });
    return seen.length >= NODES ? seen : undefined;
  });
  for (const { node_id, cpu_cores, memory_gb, latency_ms } of all) {
    say(`  ${short(node_id)}: ${cpu_cores} core, ${memory_gb} GB, ${latency_ms.toFixed(1)} ms away`);
  }
}

export async function startNode(village: DemoVillage, address: string): Promise<FogNode> {
  const { program, args, env } = village.start('fog', 'node', '--join', address, ...NODE_OFFER);
  const child = spawn(program, args, { env, stdio: ['ignore', 'pipe', 'ignore'] });
  const nodeId = await new Promise<string>((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`a fog node ended with ${code} before it joined`)));
    createInterface(child.stdout).on('line', (line) => {
      const ready = /^ready (\S+)$/.exec(line)?.[1];
      if (ready !== undefined) resolve(ready);
    });
  });
  return { nodeId, process: child };
}

export async function endNode({ process: child }: FogNode): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGTERM');
  await gone;
}

export async function soon<T>(look: () => Promise<T>): Promise<NonNullable<T>> {
  const end = performance.now() + WITHIN_MS;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== null && found !== '') return found;
    if (performance.now() > end) throw new Error(`not within ${WITHIN_MS / 1_000} s`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
}

function short(nodeId: unknown): string {
  return `node …${String(nodeId).slice(-6)}`;
}
