import fs from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { commandLineOf, findContainment } from '../../../../servers/fog/node/containment.ts';
import { DEFAULT_LIMITS, type RunEnd, type RunLimits, type RunSpec } from '../../../../servers/fog/node/limits.ts';
import { createRunner, type Runner } from '../../../../servers/fog/node/runner.ts';
import type { Program } from '../../../../shared/fog-rules.ts';
import { processesWith } from '../../../e2e/lib/processes.ts';
import { until } from '../../../e2e/lib/until.ts';

const SH: Program = { command: 'sh', args: ['-c'], sandbox: true, network: false, readable: [], health: 'alive' };

let runner: Runner;
let count = 0;

beforeAll(async () => {
  runner = createRunner({ containment: await findContainment() });
});
afterAll(() => runner.close());

function spec(script: string, limits: Partial<RunLimits> = {}, program: Partial<Program> = {}): RunSpec {
  count++;
  return {
    runId: `test-${process.pid}-${count}`,
    kind: 'job',
    program: { ...SH, ...program },
    args: [script],
    gpu: false,
    limits: { ...DEFAULT_LIMITS, cpuCores: 1, memoryGb: 0.125, wallSeconds: 10, ...limits },
  };
}

const commandOf = (pid: number): string => fs.readFileSync(`/proc/${pid}/comm`, 'utf8').trim();

function start(...what: Parameters<typeof spec>) {
  const started = runner.prepare(spec(...what));
  started.start();
  return started;
}
const run = (script: string, limits?: Partial<RunLimits>, program?: Partial<Program>): Promise<RunEnd> =>
  start(script, limits, program).ended;

describe.each([true, false])('a job with sandbox %s', (sandbox) => {
  const as = { sandbox };

  it('[F3] gives its output, its code and what it used', async () => {
    const ended = await run(
      'echo out; echo err >&2; i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done; exit 3',
      {},
      as,
    );
    expect(ended).toMatchObject({
      outcome: 'failed',
      exitCode: 3,
      stdout: 'out\n',
      stderr: 'err\n',
      isTruncated: false,
    });
    expect(ended.cpuMs).toBeGreaterThan(10);
    expect(ended.mbMs).toBeGreaterThan(128 * 10);
  });

  it('[F3] sees nothing of the environment of its node', async () => {
    const { stdout } = await run('env', {}, as);
    const names = stdout.split('\n').map((one) => one.split('=')[0]);
    expect(names.filter((name) => name?.startsWith('VITEST') || name === 'NODE_ENV')).toEqual([]);
    expect(names).toContain('FOG_CPU_CORES');
  });

  it('[F3] cannot start more processes than it may', async () => {
    const bomb = 'n=0; while [ $n -lt 40 ]; do sleep 5 & n=$((n+1)); done; echo all 40';
    const ended = await run(bomb, { processes: 20 }, as);
    expect(ended.stdout).not.toContain('all 40');
    expect(ended.stderr).toContain('fork');
    expect(await run(bomb, { processes: 60, wallSeconds: 2 }, as)).toMatchObject({ stdout: 'all 40\n' });
  });

  it('[F3] leaves no process behind, not even one that left its session and its environment', async () => {
    const mark = `4${process.pid}.${count}`;
    const ended = await run(`env -i setsid -f sleep ${mark}; sleep 0.3; echo done`, {}, as);
    expect(ended).toMatchObject({ outcome: 'succeeded', stdout: 'done\n' });
    expect(processesWith(mark)).toEqual([]);
  });

  it('[F3] ends well when it is asked to stop and heeds it', async () => {
    const started = start("trap 'echo bye; exit 0' TERM; echo on; while :; do sleep 0.05; done", {}, as);
    while (!started.tail().includes('on')) await new Promise((resolve) => setTimeout(resolve, 20));
    started.stop('cancelled', 'the orderer asked');
    expect(await started.ended).toMatchObject({
      outcome: 'cancelled',
      detail: 'the orderer asked',
      stdout: 'on\nbye\n',
    });
  });
});

describe('a job', () => {
  it('[F3] is ended when its processes use more memory than they may', async () => {
    const hog = 'head -c 400000000 /dev/zero | tail -c 300000000 | sleep 20';
    const ended = await run(hog);
    expect(ended).toMatchObject({ outcome: 'limit_exceeded', detail: 'used more than 128 MB of memory' });
  });

  it('[F3] is ended when it prints more than it may', async () => {
    const ended = await run('yes', { outputBytes: 10_000 });
    expect(ended).toMatchObject({
      outcome: 'limit_exceeded',
      detail: 'printed more than 10000 bytes',
      isTruncated: true,
    });
    expect(ended.stdout).toHaveLength(10_000);
  });

  it('[F3] cannot write a file longer than it may', async () => {
    const ended = await run('exec dd if=/dev/zero of=big bs=1M count=50', { diskBytes: 1_000_000 });
    expect(ended.outcome === 'limit_exceeded' || /No space left|too large/.test(ended.stderr)).toBe(true);
    expect(ended.exitCode).not.toBe(0);
  });

  it('[F3] is ended when its time is over, also when it does not heed SIGTERM', async () => {
    const started = performance.now();
    const ended = await run("trap 'echo no' TERM; while :; do sleep 0.1; done", { wallSeconds: 1 });
    expect(ended).toMatchObject({ outcome: 'limit_exceeded', detail: 'took longer than 1 s' });
    expect(ended.stdout).toContain('no');
    expect(performance.now() - started).toBeLessThan(10_000);
  });

  it('[F3] is ended when it used its processor time', async () => {
    const ended = await run('while :; do :; done', { cpuCores: 0.25, wallSeconds: 4 });
    expect(ended).toMatchObject({ outcome: 'limit_exceeded' });
    expect(ended.detail).toContain('processor time');
    expect(ended.cpuMs).toBeGreaterThan(900);
  });
});

describe('a job that is only ready', () => {
  it('[F3] runs nothing until it is started, and its time counts from there', async () => {
    const ready = runner.prepare(spec('echo on; sleep 0.2', { wallSeconds: 1 }));
    await until('its box stands', () => processesWith('echo on; sleep 0.2').some((pid) => commandOf(pid) === 'sh'));
    expect([ready.tail(), ready.used(), ready.startedAt]).toEqual(['', { cpuMs: 0, mbMs: 0 }, undefined]);
    ready.start();
    expect(await ready.ended).toMatchObject({ outcome: 'succeeded', stdout: 'on\n' });
  });

  it('[F3] is ended at once, with nothing left', async () => {
    const mark = `6${process.pid}.6`;
    const ready = runner.prepare(spec(`echo on; sleep ${mark}`));
    ready.stop('lost', 'it was given back');
    expect(await ready.ended).toMatchObject({ outcome: 'lost', detail: 'it was given back', stdout: '', cpuMs: 0 });
    expect(processesWith(mark)).toEqual([]);
  });
});

describe('the sandbox', () => {
  it('[F3] has no network', async () => {
    const script = 'cat /proc/net/dev | tail -n +3; exec 3<>/dev/tcp/127.0.0.1/1';
    const ended = await run(script, {}, { command: 'bash' });
    expect(
      ended.stdout
        .trim()
        .split('\n')
        .map((one) => one.trim().split(':')[0]),
    ).toEqual(['lo']);
    expect(ended.outcome).toBe('failed');
  });

  it('[F3] shows nothing of the machine but its programs, and lets nothing be written outside its own folders', async () => {
    const { stdout } = await run(
      'ls -d /home /root /etc/passwd /var 2>/dev/null; touch /usr/x /x 2>&1; pwd; echo ok > f && cat f',
    );
    expect(stdout).not.toMatch(/\/home|\/root|passwd|\/var/);
    expect(stdout).toMatch(/touch.*\/usr\/x/);
    expect(stdout).toMatch(/touch.*'\/x'/);
    expect(stdout).toMatch(/\/fog-work\nok\n$/);
  });

  it('[F1] [F3] shows the devices of a GPU to a job that asks for one, and to no other', () => {
    const shown = (gpu: boolean) =>
      commandLineOf({ ...spec('true'), gpu }, runner.containment, undefined, ['/dev/dri', '/dev/kfd']).args.join(' ');
    const bound = '--dev-bind /dev/dri /dev/dri --dev-bind /dev/kfd /dev/kfd';
    expect([shown(true).includes(bound), shown(false).includes('/dev/dri')]).toEqual([true, false]);
    expect(shown(true).indexOf(bound)).toBeGreaterThan(shown(true).indexOf('--dev /dev'));
  });

  it('[F3] is refused when it is asked for and absent', () => {
    const without = createRunner({
      containment: { hasNamespaces: false, why: 'bubblewrap is not installed', isRoot: false },
    });
    expect(() => without.prepare(spec('true'))).toThrow(/sandbox.*bubblewrap is not installed/);
    expect(without.runs()).toEqual([]);
  });

  it('[F3] runs what a job names as arguments, never as a shell would', async () => {
    const echo = { ...spec(''), program: { ...SH, command: 'echo', args: [] }, args: ['$(id)', '; id', '--'] };
    const started = runner.prepare(echo);
    started.start();
    const ended = await started.ended;
    expect(ended.stdout).toBe('$(id) ; id --\n');
  });
});

describe('without namespaces', () => {
  it('[F3] finds what left its group by its mark', async () => {
    const { isRoot } = runner.containment;
    const marked = createRunner({ containment: { hasNamespaces: false, why: 'as on a machine without', isRoot } });
    const mark = `5${process.pid}.5`;
    const started = marked.prepare(spec(`setsid -f sleep ${mark}; sleep 0.3; echo done`, {}, { sandbox: false }));
    started.start();
    const ended = await started.ended;
    expect(ended).toMatchObject({ outcome: 'succeeded', stdout: 'done\n' });
    expect(processesWith(mark)).toEqual([]);
    await marked.close();
  });
});
