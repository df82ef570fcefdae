/**
 * `npm run bench`: the router with everything on, beside a bare relay, in one run. Composes the parts; ends whatever it started,
 * also when interrupted. Figures go to stdout, progress to stderr. Exit 1 when a reply was wrong or lost, never for a goal missed.
 */
import fs from 'node:fs';
import os from 'node:os';
import { parseArgs } from 'node:util';
import { errorsIn, type Measurements } from './figures.ts';
import { measureIdleSessions } from './idle-sessions.ts';
import { measureLongList } from './long-list.ts';
import { type Cell, measureCalls } from './measure.ts';
import { Processes } from './processes.ts';
import { asJson, asTable, type Circumstances } from './report.ts';
import { startTarget } from './targets.ts';

const HELP = `usage: npm run bench -- [--json] [--quick] [--only NAME]
  --json       one JSON object on stdout, with every raw result
  --quick      fewer and shorter repeats: about 50 s instead of 3 minutes
  --only NAME  one part: stdio or http (calls), stdio-64 (one cell: 1, 16 or 64 in flight), start, sessions, list
`;
const IN_FLIGHT = [1, 16, 64];
const CELLS = ['stdio', 'http'].flatMap((upstream) => [upstream, ...IN_FLIGHT.map((count) => `${upstream}-${count}`)]);
const PARTS = [...CELLS, 'start', 'sessions', 'list'];
const FULL = { repeats: 5, settleRounds: 4, warmupSeconds: 0.4, seconds: 1.5, starts: 5, sessions: 2_000, lists: 100 };
const QUICK = { repeats: 2, settleRounds: 2, warmupSeconds: 0.25, seconds: 0.6, starts: 2, sessions: 2_000, lists: 30 };

const { values: options } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    quick: { type: 'boolean', default: false },
    only: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});
const { only, quick } = options;
if (options.help || (only !== undefined && !PARTS.includes(only))) {
  (options.help ? process.stdout : process.stderr).write(HELP);
  process.exit(options.help ? 0 : 2);
}
if (!fs.existsSync('/proc/self/stat')) {
  process.stderr.write('This benchmark reads CPU and memory from /proc: it runs on Linux only.\n');
  process.exit(2);
}

const plan = quick ? QUICK : FULL;
const wanted = (part: string) => only === undefined || only === part || part.startsWith(`${only}-`);
const say = (line: string) => process.stderr.write(`${line}\n`);
const startedAt = performance.now();
const loadAverageBefore = os.loadavg();
const processes = new Processes();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.once(signal, () => void processes.stopAll().finally(() => process.exit(130)));
}

try {
  const measurements = await measure();
  const seconds = (performance.now() - startedAt) / 1000;
  const pinned = processes.cores !== undefined;
  const circumstances: Circumstances = { quick, only, pinned, loadAverageBefore, seconds };
  process.stdout.write(`${(options.json ? asJson : asTable)(measurements, circumstances)}\n`);
  if (errorsIn(measurements.cells) > 0) process.exitCode = 1;
} finally {
  await processes.stopAll();
}

async function measure(): Promise<Measurements> {
  const cells: Cell[] = [];
  for (const upstream of ['stdio', 'http'] as const) {
    const inFlight = IN_FLIGHT.filter((count) => wanted(`${upstream}-${count}`));
    if (inFlight.length > 0) cells.push(...(await measureCalls(processes, { ...plan, upstream, inFlight }, say)));
  }
  return {
    cells,
    ...(wanted('start') ? { startMs: await measureStarts(plan.starts) } : {}),
    ...(wanted('sessions') ? { sessions: await measureIdleSessions(processes, plan.sessions) } : {}),
    ...(wanted('list') ? { list: await measureLongList(processes, plan.lists) } : {}),
  };
}

/** From spawn to the first `tools/list` that holds the upstream's tool, in ms. */
async function measureStarts(times: number): Promise<number[]> {
  const found: number[] = [];
  for (let i = 0; i < times; i++) {
    const target = await startTarget(processes, 'router', { upstream: 'stdio' });
    await target.stop();
    found.push(target.startMs);
    say(`start ${i + 1}/${times}: ${target.startMs.toFixed(0)} ms`);
  }
  return found;
}
