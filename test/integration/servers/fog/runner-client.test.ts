import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import { DEFAULT_LIMITS, type RunSpec } from '../../../../servers/fog/node/limits.ts';
import { openRunner, type RunnerClient } from '../../../../servers/fog/node/runner-client.ts';
import type { Log } from '../../../../shared/log.ts';
import { childrenOf, isAlive, processesWith } from '../../../e2e/lib/processes.ts';
import { until } from '../../../e2e/lib/until.ts';

const silent: Log = { debug() {}, info() {}, warn() {}, error() {} };
const CLIENT = new URL('../../../../servers/fog/node/runner-client.ts', import.meta.url).pathname;

let runner: RunnerClient | undefined;
let count = 0;
afterEach(async () => {
  await runner?.close();
  runner = undefined;
});

function spec(script: string, sandbox = true): RunSpec {
  count++;
  return {
    runId: `client-${process.pid}-${count}`,
    kind: 'job',
    program: { command: 'sh', args: ['-c'], sandbox, network: false, readable: [], health: 'alive' },
    args: [script],
    gpu: false,
    limits: { ...DEFAULT_LIMITS, cpuCores: 1, memoryGb: 0.1, wallSeconds: 30 },
  };
}

function run(script: string) {
  const started = runner!.prepare(spec(script));
  started.start();
  return started;
}

/** The process for runs: the only child of ours with this name. */
const runnerPid = (): number =>
  childrenOf(process.pid).find(({ pid }) => processesWith('runner-process').includes(pid))!.pid;

describe('the process for runs', () => {
  it('[F3] tells the start, the look and the end of a run', async () => {
    runner = await openRunner(silent);
    const one = run('echo fog:progress 0.5; sleep 0.6; echo done');
    expect(await one.prepared).toBe(true);
    await until('it was looked at', () => one.look().progress === 0.5);
    expect(await one.ended).toMatchObject({ outcome: 'succeeded', exitCode: 0, stdout: 'fog:progress 0.5\ndone\n' });
  });

  it('[F3] says why it does not start what is not there', async () => {
    runner = await openRunner(silent);
    const absent = runner.prepare({ ...spec(''), program: { ...spec('').program, command: 'no-such-program' } });
    absent.start();
    expect(await absent.prepared).toBe(false);
    expect(await absent.ended).toMatchObject({
      outcome: 'failed',
      detail: expect.stringContaining('not on this node'),
    });
  });

  it('[F3] loses its runs when it is killed, with all their processes, and the next run has a new one', async () => {
    runner = await openRunner(silent);
    const mark = `8${process.pid}.1`;
    const one = run(`sleep ${mark}`);
    await one.prepared;
    const pid = runnerPid();
    process.kill(pid, 'SIGKILL');
    expect(await one.ended).toMatchObject({ outcome: 'lost', detail: 'the process that ran it ended' });
    await until('all of it is gone', () => processesWith(mark).length === 0);
    expect(await run('echo again').ended).toMatchObject({ outcome: 'succeeded', stdout: 'again\n' });
    expect(runnerPid()).not.toBe(pid);
  });

  it('[F3] ends all it runs when the node is killed, also what has no sandbox', async () => {
    const marks = [`8${process.pid}.2`, `8${process.pid}.3`];
    const specs = marks.map((mark, at) => spec(`env -i setsid -f sleep ${mark}; echo on; sleep 60`, at === 0));
    const script = `
      const { openRunner } = await import(${JSON.stringify(CLIENT)});
      const log = { debug() {}, info() {}, warn() {}, error() {} };
      const runner = await openRunner(log);
      for (const spec of ${JSON.stringify(specs)}) runner.prepare(spec).start();
      console.log('ready');
      setInterval(() => {}, 1_000);
    `;
    const node = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(node.stdout, 'data');
    const runsIt = () => childrenOf(node.pid!).map(({ pid }) => pid);
    const sleeps = (mark: string) => processesWith(`sleep\0${mark}`);
    await until('both run', () => marks.every((mark) => sleeps(mark).length > 0));
    const [pid] = runsIt();
    node.kill('SIGKILL');
    await until('the process for runs is gone', () => !isAlive(pid!));
    await until('nothing is left', () => marks.every((mark) => sleeps(mark).length === 0));
  });

  it('[F3] ends with what it runs when it is closed', async () => {
    runner = await openRunner(silent);
    const one = run('sleep 60');
    const ready = runner.prepare(spec('sleep 60'));
    await one.prepared;
    const pid = runnerPid();
    await runner.close();
    expect(await one.ended).toMatchObject({ outcome: 'lost', detail: 'its node ended' });
    expect(await ready.ended).toMatchObject({ outcome: 'lost' });
    await until('it is gone', () => !isAlive(pid));
  });
});
