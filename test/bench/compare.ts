/**
 * Two checkouts of the router beside each other, in turn: `node test/bench/compare.ts FOLDER FOLDER [--upstream http]
 * [--in-flight 64] [--repeats 7] [--flags-b "--max-semi-space-size=32"] [--watch-b]`. For "is this change worth it", on a machine with neighbours.
 */
import path from 'node:path';
import { parseArgs } from 'node:util';
import { watcherToken } from './bearer.ts';
import type { LoadResult } from './load.ts';
import { load, settle } from './measure.ts';
import { median } from './median.ts';
import { firstMessage, Processes } from './processes.ts';
import { startTarget, type Target } from './targets.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    upstream: { type: 'string', default: 'stdio' },
    'in-flight': { type: 'string', default: '64' },
    repeats: { type: 'string', default: '7' },
    /** Node's own flags for the second. */
    'flags-b': { type: 'string', default: '' },
    /** A console is open on the second, and its metrics are scraped: give the same folder twice. */
    'watch-b': { type: 'boolean', default: false },
  },
});
const [first, second] = positionals.map((folder) => path.resolve(folder));
if (first === undefined || second === undefined) {
  process.stderr.write('usage: node test/bench/compare.ts FOLDER FOLDER [options]\n');
  process.exit(2);
}
const plan = { inFlight: Number(values['in-flight']), warmupSeconds: 0.3, seconds: 1.2 };
const upstream = values.upstream === 'http' ? 'http' : 'stdio';
const nodeFlags = values['flags-b'].split(' ').filter((flag) => flag !== '');

const processes = new Processes();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => void processes.stopAll().finally(() => process.exit(130)));
}
const targets: Target[] = [];
const results: [LoadResult[], LoadResult[]] = [[], []];
try {
  targets.push(await startTarget(processes, 'router', { upstream, root: first }));
  targets.push(await startTarget(processes, 'router', { upstream, root: second, nodeFlags }));
  for (const target of targets) await settle(processes, target);
  if (values['watch-b']) await watch(targets[1]!);
  for (let repeat = 0; repeat < Number(values.repeats); repeat++) {
    for (const [i, target] of targets.entries()) results[i as 0 | 1].push(await load(processes, target, plan));
  }
} finally {
  await processes.stopAll();
}

const [a, b] = results;
for (const [name, read] of [
  ['us of CPU a call', (result: LoadResult) => result.cpuMicrosPerCall],
  ['calls per second', (result: LoadResult) => result.callsPerSecond],
  ['p50 ms', (result: LoadResult) => result.p50Ms],
  ['p99 ms', (result: LoadResult) => result.p99Ms],
] as const) {
  const ratio = median(a.map((result, i) => read(b[i]!) / read(result)));
  const [one, two] = [median(a.map(read)), median(b.map(read))];
  process.stdout.write(`${name}: ${one.toFixed(2)} and ${two.toFixed(2)}, second by first ${ratio.toFixed(3)}\n`);
}
process.stdout.write(`errors and lost: ${[...a, ...b].reduce((sum, { errors, lost }) => sum + errors + lost, 0)}\n`);

async function watch(target: Target): Promise<void> {
  const file = path.join(import.meta.dirname, 'watcher.ts');
  const watcher = processes.start('rest', file, [target.url, watcherToken()], { channel: true });
  await firstMessage(watcher);
  watcher.on('exit', (code) => {
    if (code === null || code === 0) return;
    process.stderr.write('nobody watched: the figures would be wrong\n');
    process.exit(1);
  });
}
