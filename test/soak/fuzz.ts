/** D13: mutated messages of clients, `--count N` (1,000,000), and of servers, `--servers N` (100,000), from `--seed S`; what went wrong. */
import { parseArgs } from 'node:util';
import { fuzzClients, fuzzServers } from '../e2e/lib/fuzz.ts';

const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '1000000' },
    servers: { type: 'string', default: '100000' },
    seed: { type: 'string', default: '1' },
  },
});
const seed = Number(values.seed);
const clients = await fuzzClients({ count: Number(values.count), seed });
const servers = await fuzzServers({ count: Number(values.servers), seed });
console.log(JSON.stringify({ clients, servers, faults: [...clients.faults, ...servers.faults] }));
process.exitCode = clients.faults.length + servers.faults.length === 0 ? 0 : 1;
