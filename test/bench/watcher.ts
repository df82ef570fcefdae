/**
 * Watches a router as an open console and a Prometheus do, until it is ended: the page's own client, resources and pace, and `/metrics`
 * each five seconds. A process of its own; says `watching` to its parent. Takes the router's URL and a token of level EMERGENCY.
 */
import { VillageClient } from '../../client/index.ts';
import { CALLS_URI, liveCalls } from '../../router/console/page/calls.ts';
import { CALLS_EVERY_MS, STOP_EVERY_MS } from '../../router/console/page/pace.ts';
import { SERVICES_URI, services } from '../../router/console/page/services.ts';

const SCRAPE_EVERY_MS = 5_000;

const [url, token] = process.argv.slice(2);
if (url === undefined || token === undefined) throw new Error('usage: watcher.ts URL TOKEN');
const client = new VillageClient({ url, token, name: 'bench watcher', heartbeatMs: 5_000 });
let isOwed = false;

await client.connect();
client.subscribe(CALLS_URI, () => {
  isOwed = true;
});
client.subscribe(SERVICES_URI, () => void services(client).catch(fail));
await liveCalls(client, '');
every(CALLS_EVERY_MS, async () => {
  if (!isOwed) return;
  isOwed = false;
  await liveCalls(client, '');
});
every(STOP_EVERY_MS, () => get('/api/emergency-stop'));
every(SCRAPE_EVERY_MS, () => get('/metrics'));
process.on('disconnect', () => process.exit(0));
process.send?.('watching');

function every(ms: number, look: () => Promise<void>): void {
  setInterval(() => void look().catch(fail), ms);
}

async function get(path: string): Promise<void> {
  const answer = await fetch(new URL(path, url), { headers: { authorization: `Bearer ${token}` } });
  if (!answer.ok) throw new Error(`${path}: HTTP ${answer.status}`);
  await answer.arrayBuffer();
}

/** What does not watch would make the router look cheap. */
function fail(error: unknown): void {
  process.stderr.write(`the watcher failed: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
}
