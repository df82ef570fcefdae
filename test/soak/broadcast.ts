/** Broadcasts among `--nodes N` (32) nodes of one process, `--rounds N` (20), one after the other; exit 1 above one second at p99. */
import { parseArgs } from 'node:util';
import { Broadcasters } from '../integration/servers/p2p/lib/broadcasters.ts';

const MAX_P99_MS = 1_000;
const WITHIN_MS = 60_000;

const { values } = parseArgs({
  options: { nodes: { type: 'string', default: '32' }, rounds: { type: 'string', default: '20' } },
});
const count = Number(values.nodes);
const rounds = Number(values.rounds);
const nodes = await Broadcasters.start(count);
try {
  await nodes.untilAllListen(WITHIN_MS);
  const { delaysMs, doubled } = await nodes.broadcast(rounds, WITHIN_MS);
  const at = (share: number) => delaysMs[Math.floor(delaysMs.length * share)];
  const arrived = delaysMs.length - doubled;
  const report = {
    nodes: count,
    rounds,
    arrived,
    missing: rounds * (count - 1) - arrived,
    doubled,
    p50_ms: at(0.5),
    p99_ms: at(0.99),
  };
  console.log(JSON.stringify(report));
  process.exitCode = report.missing === 0 && doubled === 0 && (report.p99_ms ?? Infinity) <= MAX_P99_MS ? 0 : 1;
} finally {
  await nodes.close();
}
