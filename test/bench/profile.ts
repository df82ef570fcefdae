/**
 * Where the CPU of a call goes: `node test/bench/profile.ts [--upstream http] [--in-flight 64] [--seconds 4] [--top 25] [--bare]
 * [--root FOLDER]`.
 * By thread (of the process, from /proc), and by function and file of each profiled thread.
 */
import fs from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { type CpuProfile, sharesOf } from './cpu-profile.ts';
import { load, settle } from './measure.ts';
import { threadsMs } from './proc.ts';
import { Processes } from './processes.ts';
import { startTarget } from './targets.ts';

const { values } = parseArgs({
  options: {
    upstream: { type: 'string', default: 'stdio' },
    'in-flight': { type: 'string', default: '64' },
    seconds: { type: 'string', default: '4' },
    top: { type: 'string', default: '25' },
    bare: { type: 'boolean', default: false },
    root: { type: 'string' },
  },
});
const WARMUP_SECONDS = 0.5;

const processes = new Processes();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => void processes.stopAll().finally(() => process.exit(130)));
}
const nowMicros = () => Number(process.hrtime.bigint() / 1000n);
const say = (line: string) => process.stdout.write(`${line}\n`);

try {
  const folder = processes.newFolder();
  const nodeFlags = ['--cpu-prof', `--cpu-prof-dir=${folder}`, '--cpu-prof-interval=500'];
  const upstream = values.upstream === 'http' ? 'http' : 'stdio';
  const target = await startTarget(processes, values.bare ? 'bare' : 'router', {
    upstream,
    nodeFlags,
    ...(values.root === undefined ? {} : { root: path.resolve(values.root) }),
  });
  // A sampled thread that wakes another one on its own core is preempted there: the profile would blame the waking.
  processes.spreadThreads(target.pid);
  await settle(processes, target);
  const seconds = Number(values.seconds);
  const before = threadsMs(target.pid);
  const fromMicros = nowMicros();
  const plan = { inFlight: Number(values['in-flight']), warmupSeconds: WARMUP_SECONDS, seconds };
  const result = await load(processes, target, plan);
  const toMicros = nowMicros();
  const after = threadsMs(target.pid);
  await target.stop();

  say(
    `${result.calls} calls, ${result.callsPerSecond.toFixed(0)}/s, ${result.cpuMicrosPerCall.toFixed(1)} us of CPU each`,
  );
  const spent = [...after].map(([name, ms]) => [name, ms - (before.get(name) ?? 0)] as const);
  const sum = spent.reduce((total, [, ms]) => total + ms, 0);
  for (const [name, ms] of spent.toSorted((a, b) => b[1] - a[1])) {
    // v8:ProfEvntProc is the profiler itself.
    if (ms > 0) say(`  thread ${name}: ${((ms / sum) * result.cpuMicrosPerCall).toFixed(1)} us a call`);
  }
  const shares = fs
    .readdirSync(folder)
    .map((name) => JSON.parse(fs.readFileSync(path.join(folder, name), 'utf8')) as CpuProfile)
    .map((profile) => sharesOf(profile, { fromMicros, toMicros }))
    .toSorted((a, b) => b.busyMicros - a.busyMicros);
  // The profiled threads in order of their time are the busiest threads of the process in order of theirs.
  const busiest = spent.map(([, ms]) => (ms / sum) * result.cpuMicrosPerCall).toSorted((a, b) => b - a);
  for (const [i, { functions, files }] of shares.entries()) {
    const micros = busiest[i] ?? 0;
    say(`\nthread ${i + 1}, ${micros.toFixed(1)} us a call`);
    for (const rows of [files, functions]) {
      for (const [name, share] of rows.slice(0, Number(values.top))) {
        say(`${(share * 100).toFixed(1).padStart(6)} % ${(share * micros).toFixed(2).padStart(7)} us  ${name}`);
      }
      say('');
    }
  }
} finally {
  await processes.stopAll();
}
