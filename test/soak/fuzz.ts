/** Mutated messages of clients and of servers, `--count N` (200,000) of each from `--seed S`, and what went wrong. */
import { parseArgs } from 'node:util';
import { fuzzClients, fuzzServers } from '../e2e/lib/fuzz.ts';

const { values } = parseArgs({
  options: { count: { type: 'string', default: '200000' }, seed: { type: 'string', default: '1' } },
});
const options = { count: Number(values.count), seed: Number(values.seed) };
const reports = { clients: await fuzzClients(options), servers: await fuzzServers(options) };
console.log(JSON.stringify(reports, null, 2));
process.exitCode = reports.clients.faults.length + reports.servers.faults.length === 0 ? 0 : 1;
