import net from 'node:net';
import { ResourceUpdatedNotificationSchema } from '@modelcontextprotocol/sdk/types.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type FogCaller, type FogVillage, startFogVillage } from '../lib/fog.ts';
import { processesWith } from '../lib/processes.ts';
import { until } from '../lib/until.ts';

let fog: FogVillage;
let alice: FogCaller;

beforeAll(async () => {
  fog = await startFogVillage('fog');
  await fog.startNode('--cpu-cores', '2', '--memory-gb', '2');
  alice = await fog.as('alice');
}, 90_000);
afterAll(() => fog.remove(), 30_000);

const submit = async (script: string, resources: Record<string, unknown> = {}, command = 'sh') => {
  const { job_id } = await alice.call('fog_submit_job', {
    command,
    args: [script],
    resources: { cpu_cores: 0.5, memory_gb: 0.1, wall_seconds: 15, ...resources },
  });
  return String(job_id);
};
const end = (job_id: string) => alice.call('fog_job_status', { job_id, wait_seconds: 60 });
const run = async (...job: Parameters<typeof submit>) => end(await submit(...job));

const hasProcess = (text: string): boolean => processesWith(text).length > 0;

describe('a job on a node', () => {
  it('[F3] that forks without end gets no more processes than it may, and ends with all of them', async () => {
    const mark = `7${process.pid}.1`;
    const bomb = `n=0; while [ $n -lt 200 ]; do sleep ${mark} & n=$((n+1)); echo $n; done`;
    const job = await run(bomb, { wall_seconds: 3 });
    const counted = String(job.stdout).trim().split('\n').map(Number);
    expect(Math.max(...counted)).toBeGreaterThan(20);
    expect(Math.max(...counted)).toBeLessThan(64);
    expect(job.stderr).toContain('fork');
    expect(hasProcess(mark)).toBe(false);
  });

  it('[F3] that takes more memory than it may is ended', async () => {
    const job = await run('head -c 400000000 /dev/zero | tail -c 300000000 | sleep 20');
    expect(job).toMatchObject({ status: 'limit_exceeded', detail: 'used more than 102 MB of memory' });
  });

  it('[F3] that prints without end is ended, and what it printed is cut', async () => {
    const job = await run('yes');
    expect(job).toMatchObject({ status: 'limit_exceeded', output_truncated: true });
    expect(String(job.stdout)).toHaveLength(256 * 1024);
  });

  it('[F3] that opens the network does not reach it, while one that is allowed to does', async () => {
    let reached = 0;
    const server = net.createServer((socket) => {
      reached++;
      socket.end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as net.AddressInfo;
    const script = `exec 3<>/dev/tcp/127.0.0.1/${port} && echo through`;
    try {
      expect(await run(script, {}, 'bash-open')).toMatchObject({ status: 'succeeded', stdout: 'through\n' });
      expect(reached).toBe(1);
      const job = await run(script, {}, 'bash');
      expect(job).toMatchObject({ status: 'failed', stdout: '' });
      expect(job.stderr).toMatch(/refused|unreachable/);
      expect(reached).toBe(1);
    } finally {
      server.close();
    }
  });

  it('[F3] that does not heed SIGTERM is killed when it is cancelled, with what it left in other sessions', async () => {
    const mark = `7${process.pid}.2`;
    const script = `trap '' TERM; env -i setsid -f sleep ${mark}; echo on; echo fog:progress 0.5 >&2; while :; do sleep 0.1; done`;
    const job_id = await submit(script);
    // The mark stands in the script too: that a process has it does not say that the script has come so far.
    await until('it ignores SIGTERM', async () => (await alice.call('fog_job_status', { job_id })).progress === 0.5);
    expect(hasProcess(mark)).toBe(true);
    expect(await alice.call('fog_cancel_job', { job_id })).toMatchObject({ status: 'cancelled' });
    // No code of its own: it was killed, for what it ignored could not end it.
    expect(await end(job_id)).toMatchObject({ exit_code: null, stdout: 'on\n' });
    expect(hasProcess(mark)).toBe(false);
  });

  it('[F3] [F4] tells its progress, to who subscribed to it or to its node', async () => {
    const told = new Set<string>();
    alice.client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) => void told.add(params.uri));
    const [node] = (await alice.call('fog_resources')).nodes as { node_id: string }[];
    const job_id = await submit('echo fog:progress 0.5 >&2; sleep 3; echo end');
    const uris = [`fog://jobs/${job_id}`, `fog://nodes/${node?.node_id}`];
    for (const uri of uris) await alice.client.subscribeResource({ uri });
    await until('progress is told', async () => (await alice.call('fog_job_status', { job_id })).progress === 0.5);
    expect(await end(job_id)).toMatchObject({ status: 'succeeded', stdout: 'end\n' });
    await until('both are told', () => uris.every((uri) => told.has(uri)));
  });
});

describe('what cannot be', () => {
  it.each<[string, string, Record<string, unknown>, RegExp]>([
    ['a command that is not allowed', 'fog_submit_job', { command: 'rm' }, /expected one of .*sleep/],
    ['a path as a command', 'fog_submit_job', { command: '../../bin/sh' }, /command: expected small letters/],
    ['a negative amount', 'fog_submit_job', { command: 'sleep', resources: { cpu_cores: -1 } }, /resources.cpu_cores/],
    ['a huge amount', 'fog_submit_job', { command: 'sleep', resources: { memory_gb: 1e300 } }, /resources.memory_gb/],
    ['a path as a shard', 'deploy_agent_shard', { agent_type: 'magi', shard_id: '../x' }, /shard_id: expected letters/],
    ['an unknown agent type', 'deploy_agent_shard', { agent_type: 'dragon', shard_id: 'x' }, /expected one of magi/],
    [
      'an unknown node',
      'deploy_agent_shard',
      { agent_type: 'magi', shard_id: 'x', target_node: '12D3KooWunknownunknown' },
      /target_node: no node of this id is up/,
    ],
    ['an unknown shard', 'fog_stop_shard', { shard_id: 'nobody' }, /No shard of yours/],
    ['an unknown job', 'fog_cancel_job', { job_id: '00000000-0000-4000-8000-000000000000' }, /No job of yours/],
  ])('[F3] %s is refused, and nothing is stored', async (_, tool, args, text) => {
    const before = (await alice.call('fog_resources')).work;
    await expect(alice.call(tool, args)).rejects.toThrow(text);
    expect((await alice.call('fog_resources')).work).toEqual(before);
  });

  it("[F3] another's job is as unknown as none", async () => {
    const job_id = await submit('echo mine');
    const bob = await fog.as('bob');
    await expect(bob.call('fog_job_status', { job_id })).rejects.toThrow(/No job of yours/);
    const sage = await fog.as('sage');
    expect(await sage.call('fog_job_status', { job_id, wait_seconds: 20 })).toMatchObject({ stdout: 'mine\n' });
  });

  it('[F2] what no node can hold waits, and says why', async () => {
    const placed = await alice.call('deploy_agent_shard', {
      agent_type: 'magi',
      shard_id: 'giant',
      resource_allocation: { cpu_cores: 64, memory_gb: 1 },
    });
    expect(placed).toMatchObject({ status: 'queued', node_id: null, detail: 'no node has 64 cores and 1 GB' });
    expect(await alice.call('fog_stop_shard', { shard_id: 'giant' })).toMatchObject({ status: 'stopped' });
  });
});
