/**
 * What an open console and a Prometheus cost a router: the CPU of each thing that they ask for, and all of it at their pace as a
 * share of one core. `node test/bench/watching.ts`. Neighbours change it little, because nothing is compared with a rate of calls.
 */
import { VillageClient } from '../../client/index.ts';
import { CALLS_URI } from '../../router/console/page/calls.ts';
import { CALLS_EVERY_MS, SERVERS_EVERY_MS, STOP_EVERY_MS } from '../../router/console/page/pace.ts';
import { SERVICES_URI } from '../../router/console/page/services.ts';
import { amount } from './amount.ts';
import { watcherToken } from './bearer.ts';
import { settle } from './measure.ts';
import { cpuMs } from './proc.ts';
import { Processes } from './processes.ts';
import { startTarget } from './targets.ts';

const TIMES = amount(200);
const UNMEASURED = amount(20);
const SCRAPE_EVERY_MS = 5_000;

const processes = new Processes();
try {
  const target = await startTarget(processes, 'router', { upstream: 'stdio' });
  // Its memory of calls is full, and the compiler is through with it.
  await settle(processes, target);
  const token = watcherToken();
  const client = new VillageClient({ url: target.url, token, name: 'bench' });
  const get = async (path: string): Promise<void> => {
    const answer = await fetch(new URL(path, target.url), { headers: { authorization: `Bearer ${token}` } });
    if (!answer.ok) throw new Error(`${path}: HTTP ${answer.status}`);
    await answer.arrayBuffer();
  };
  let share = 0;
  for (const [what, everyMs, ask] of [
    [CALLS_URI, CALLS_EVERY_MS, () => client.read(CALLS_URI)],
    [SERVICES_URI, SERVERS_EVERY_MS, () => client.read(SERVICES_URI)],
    ['/api/emergency-stop', STOP_EVERY_MS, () => get('/api/emergency-stop')],
    ['/metrics', SCRAPE_EVERY_MS, () => get('/metrics')],
  ] as const) {
    for (let n = 0; n < UNMEASURED; n++) await ask();
    const before = cpuMs(target.pid);
    for (let n = 0; n < TIMES; n++) await ask();
    const each = (cpuMs(target.pid) - before) / TIMES;
    share += each / everyMs;
    process.stdout.write(`${what}: ${each.toFixed(2)} ms of CPU, each ${everyMs / 1_000} s\n`);
  }
  process.stdout.write(`together ${(share * 100).toFixed(2)} % of a core\n`);
  await client.close();
} finally {
  await processes.stopAll();
}
