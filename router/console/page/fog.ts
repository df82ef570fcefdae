/** What the fog server tells of nodes, work and money, as far as the page shows it. */
import { z } from 'zod';
import type { VillageClient } from '../../../client/index.ts';

export const FOG_URI = 'fog://resources';

const node = z.looseObject({
  node_id: z.string(),
  agent: z.string(),
  state: z.string(),
  cpu_cores: z.number(),
  memory_gb: z.number(),
  used: z.looseObject({ cpu_cores: z.number(), memory_gb: z.number(), shards: z.number(), jobs: z.number() }),
  measured: z.looseObject({ load: z.number(), latency_ms: z.number().nullable() }),
});
const resources = z.looseObject({
  nodes: z.array(node),
  total: z.looseObject({
    nodes: z.number(),
    cpu_cores: z.number(),
    memory_gb: z.number(),
    used_cpu_cores: z.number(),
    used_memory_gb: z.number(),
  }),
  work: z.looseObject({ queued: z.number(), running_jobs: z.number(), running_shards: z.number() }),
  join: z.string().nullable(),
});
const work = z.looseObject({
  status: z.string(),
  detail: z.string(),
  node_id: z.string().nullable(),
  agent: z.string(),
  created_at: z.string(),
});
const shard = work.extend({ shard_id: z.string(), agent_type: z.string() });
const job = work.extend({ job_id: z.string(), command: z.string(), progress: z.number().nullable() });
const money = z.looseObject({
  available: z.string(),
  staked: z.string(),
  supply: z.string(),
  treasury: z.string(),
  movements: z.array(
    z.looseObject({ line: z.number(), kind: z.string(), amount: z.string(), balance: z.string(), at: z.string() }),
  ),
});

export type Node = z.output<typeof node>;
export type Resources = z.output<typeof resources>;

export const readNodes = async (client: VillageClient) => resources.parse(await client.call('fog_resources'));

export const readShards = async (client: VillageClient) =>
  z.looseObject({ shards: z.array(shard) }).parse(await client.call('fog_shards')).shards;

export const readJobs = async (client: VillageClient) =>
  z.looseObject({ jobs: z.array(job) }).parse(await client.read('fog://jobs')).jobs;

export const readMoney = async (client: VillageClient) => money.parse(await client.call('fog_tokens', { limit: 10 }));
