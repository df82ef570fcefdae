/** The sums over all nodes: what there is, what is used, what waits. */
import { z } from 'zod';
import type { WorkDeps } from '../deps.ts';
import { isoTime, MOST, nodeSchema, rounded, toNodeView } from './view.ts';

const amount = z.number().min(0).max(MOST.count);

export const resourcesSchema = z.object({
  nodes: z.array(nodeSchema).max(MOST.list),
  total: z.object({
    nodes: amount,
    cpu_cores: amount,
    memory_gb: amount,
    used_cpu_cores: amount,
    used_memory_gb: amount,
    /** Busy share of the processors, each node's counted by its cores. */
    load: z.number().min(0).max(1),
  }),
  work: z.object({ queued: amount, running_jobs: amount, running_shards: amount }),
  /** Multiaddr for "aivillage fog node --join"; null while nobody listens. */
  join: z.string().max(500).nullable(),
  as_of: z.iso.datetime().max(40),
});

export function readResources(
  { nodes, work, door, nowMs }: WorkDeps,
  includeGone: boolean,
): z.input<typeof resourcesSchema> {
  const found = nodes.list(includeGone ? ['up', 'lost', 'left'] : ['up']);
  const up = found.filter(({ state }) => state === 'up');
  const sum = (of: (node: (typeof up)[number]) => number) => rounded(up.reduce((total, node) => total + of(node), 0));
  const cores = sum(({ cpuCores }) => cpuCores);
  const [jobs, shards] = [work.counts('job'), work.counts('shard')];
  return {
    nodes: found.slice(0, MOST.list).map(toNodeView),
    total: {
      nodes: up.length,
      cpu_cores: cores,
      memory_gb: sum(({ memoryGb }) => memoryGb),
      used_cpu_cores: sum(({ usedCpuCores }) => usedCpuCores),
      used_memory_gb: sum(({ usedMemoryGb }) => usedMemoryGb),
      load: cores === 0 ? 0 : Math.min(1, rounded(sum(({ load, cpuCores }) => load * cpuCores) / cores)),
    },
    work: {
      queued: (jobs.get('queued') ?? 0) + (shards.get('queued') ?? 0),
      running_jobs: (jobs.get('running') ?? 0) + (jobs.get('placed') ?? 0),
      running_shards: (shards.get('running') ?? 0) + (shards.get('placed') ?? 0),
    },
    join: door()?.addresses[0] ?? null,
    as_of: isoTime(nowMs()),
  };
}
