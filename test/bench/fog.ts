/**
 * Measures the fog: placement over 1,000 nodes, submitting into a long queue through MCP, and 1,000 jobs of 10 ms on one real node.
 * `node test/bench/fog.ts [placement|submit|jobs [COUNT]]`, JSON out.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { InMemoryTransport } from '@modelcontextprotocol/sdk/inMemory.js';
import { openFog } from '../../servers/fog/main.ts';
import { createServer } from '../../servers/fog/server.ts';
import { type Needs, type Offer, place } from '../../servers/fog/work/placement.ts';
import { NO_FOG_RULES } from '../../shared/fog-rules.ts';
import { callerByBearer } from '../../shared/identity/proof.ts';
import type { Log } from '../../shared/log.ts';
import { openSession } from '../../shared/village-server.ts';
import { readVotingRules } from '../../shared/voting-rules.ts';
import { childrenOf } from '../e2e/lib/processes.ts';
import { testAuthorize, testIdentity } from '../fixtures/lib/identity.ts';

const NODES = 1_000;
const QUEUED = 10_000;
const JOBS = Number(process.argv[3] ?? 1_000);
const JOB_MS = 10;
const SLOTS = 2;
const BARE = 200;
const LAUNCHER = fileURLToPath(new URL('../../router/bin/aivillage.mjs', import.meta.url));
const silent: Log = { debug() {}, info() {}, warn() {}, error() {} };

const wanted = process.argv[2];
const figures: Record<string, unknown> = {};
if (wanted === undefined || wanted === 'placement') Object.assign(figures, measurePlacement());
if (wanted === undefined || wanted === 'submit') Object.assign(figures, await measureSubmit());
if (wanted === undefined || wanted === 'jobs') Object.assign(figures, await measureJobs());
process.stdout.write(`${JSON.stringify(figures, undefined, 2)}\n`);

function measurePlacement() {
  const offers: Offer[] = Array.from({ length: NODES }, (_, index) => ({
    nodeId: `node-${index}`,
    programs: new Set(['command:sleep']),
    cpuCores: 4 + (index % 5),
    memoryGb: 8 + (index % 7),
    freeCpuCores: index % 5,
    freeMemoryGb: index % 9,
    gpu: index % 10 === 0,
    load: (index % 100) / 100,
    latencyMs: index % 60,
    priceMicro: (index * 37) % 4_000,
    groups: new Map([['command:sleep', index % 3]]),
  }));
  const need = (index: number): Needs => ({
    id: `work-${index}`,
    program: 'command:sleep',
    cpuCores: 1 + (index % 3),
    memoryGb: 1 + (index % 4),
    gpu: index % 20 === 0,
    targetNode: undefined,
    priority: 1 + (index % 10),
    maxPriceMicro: undefined,
    group: 'command:sleep',
    avoid: [],
  });
  const cpuBefore = process.cpuUsage();
  const timesMs = Array.from({ length: 1_000 }, (_, index) => timed(() => place([need(index)], offers)));
  return {
    placement_nodes: NODES,
    placement_p50_ms: at(timesMs, 0.5),
    placement_p99_ms: at(timesMs, 0.99),
    placement_cpu_ms: rounded(cpuSince(cpuBefore) / timesMs.length),
  };
}

async function measureSubmit() {
  return withServer(async (client) => {
    const timesMs: number[] = [];
    const cpuBefore = process.cpuUsage();
    for (let index = 0; index < QUEUED; index++) {
      const started = performance.now();
      await submit(client);
      timesMs.push(performance.now() - started);
    }
    return {
      submit_queued: QUEUED,
      submit_p50_ms: at(timesMs, 0.5),
      submit_p99_ms: at(timesMs, 0.99),
      submit_cpu_ms: rounded(cpuSince(cpuBefore) / QUEUED),
    };
  });
}

async function measureJobs() {
  return withServer(async (client, deps) => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'bench-fog-node-'));
    const join = await addressOf(deps);
    const args = [LAUNCHER, 'fog', 'node', '--join', join, '--cpu-cores', String(SLOTS), '--memory-gb', '4'];
    const env = {
      PATH: process.env.PATH,
      HOME: folder,
      AIVILLAGE_DATA_DIR: folder,
      P2P_MDNS: '0',
      MCP_LOG_LEVEL: 'error',
    };
    const node = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'inherit'] });
    try {
      await once(node.stdout, 'data');
      const bareMs = await spawnBare();
      const [ownBefore, nodeBefore] = [process.cpuUsage(), cpuWithChildren(node.pid ?? 0)];
      const startedAt = performance.now();
      for (let index = 0; index < JOBS; index++) await submit(client);
      while (deps.work.counts('job').get('succeeded') !== JOBS) await new Promise((resolve) => setTimeout(resolve, 50));
      const wallMs = performance.now() - startedAt;
      const rows = deps.work.list('job', {}, JOBS + 1);
      const runs = rows.map((row) => deps.work.runs(row.work_id));
      return {
        jobs: rows.length,
        jobs_with_one_accepted_run: runs.filter((one) => one.filter(({ ending }) => ending === 'accepted').length === 1)
          .length,
        jobs_started_more_than_once: runs.filter((one) => one.length > 1).length,
        jobs_wall_ms: Math.round(wallMs),
        /** Of a slot's time beyond the job's own: what a job waits or costs where it runs. The stricter reading. */
        overhead_ms_per_job: rounded((wallMs * SLOTS) / JOBS - JOB_MS),
        /** Of the time of all beyond what it would be at best: what a job adds to the end of a thousand. */
        overhead_wall_ms_per_job: rounded((wallMs - (JOBS * JOB_MS) / SLOTS) / JOBS),
        /** The same for programs that Node starts bare, with nothing around them: what the machine takes for itself now. */
        bare_overhead_ms_per_job: rounded(bareMs - JOB_MS),
        /** Of all processes that a job passes, its own and all limits' included: what it costs whatever else the machine does. */
        cpu_ms_per_job: rounded((cpuSince(ownBefore) + cpuWithChildren(node.pid ?? 0) - nodeBefore) / JOBS),
        load_average: os.loadavg()[0],
      };
    } finally {
      const gone = once(node, 'exit');
      node.kill('SIGTERM');
      await gone;
      fs.rmSync(folder, { recursive: true, force: true });
    }
  });
}

/** Milliseconds of processor time of a process, of those below it, and of those that they waited for (proc_pid_stat(5), 14 to 17). */
function cpuWithChildren(pid: number): number {
  const stat = fs.readFileSync(`/proc/${pid}/stat`, 'latin1');
  const fields = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number);
  const own = [11, 12, 13, 14].reduce((sum, at) => sum + (fields[at] ?? 0), 0) * 10;
  return childrenOf(pid).reduce((sum, { pid: child }) => sum + cpuWithChildren(child), own);
}

/** Milliseconds of a slot for one bare program. */
async function spawnBare(): Promise<number> {
  const startedAt = performance.now();
  let left = BARE;
  const slot = async (): Promise<void> => {
    while (left-- > 0) await once(spawn('sleep', [String(JOB_MS / 1_000)], { stdio: 'ignore' }), 'exit');
  };
  await Promise.all(Array.from({ length: SLOTS }, slot));
  return ((performance.now() - startedAt) * SLOTS) / BARE;
}

type Deps = Awaited<ReturnType<typeof openFog>>;

async function withServer<T>(work: (client: Client, deps: Deps) => Promise<T>): Promise<T> {
  const dataDir = fs.mkdtempSync(path.join(os.tmpdir(), 'bench-fog-'));
  const rules = readVotingRules(undefined);
  const deps = await openFog({
    log: silent,
    dataDir,
    votingRules: () => rules,
    router: undefined,
    fog: { rules: () => NO_FOG_RULES, listen: '/ip4/127.0.0.1/tcp/0' },
  });
  const callerOf = callerByBearer(testIdentity);
  const [near, far] = InMemoryTransport.createLinkedPair();
  const session = openSession(createServer(deps), {
    callerOf: () => callerOf({ assertion: undefined, bearer: 'token-king' }),
    authorize: testAuthorize,
    listsAreFiltered: true,
    log: silent,
  });
  await session.connect(far);
  const client = new Client({ name: 'bench', version: '1' });
  await client.connect(near);
  try {
    return await work(client, deps);
  } finally {
    await client.close();
    await deps.close();
    fs.rmSync(dataDir, { recursive: true, force: true });
  }
}

async function addressOf(deps: Deps): Promise<string> {
  for (;;) {
    const address = deps.door()?.addresses[0];
    if (address !== undefined) return address;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function submit(client: Client): Promise<void> {
  const resources = { cpu_cores: 1, memory_gb: 0.1, wall_seconds: 10 };
  const result = await client.callTool({
    name: 'fog_submit_job',
    arguments: { command: 'sleep', args: [String(JOB_MS / 1_000)], resources },
  });
  if (result.isError === true) throw new Error(JSON.stringify(result.content));
}

function timed(work: () => unknown): number {
  const started = performance.now();
  work();
  return performance.now() - started;
}

function cpuSince(before: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
}

function at(timesMs: number[], share: number): number {
  return rounded(timesMs.toSorted((a, b) => a - b)[Math.floor(timesMs.length * share)] ?? 0);
}

function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}
