/** D8: `--sockets N` (5,000) that send a head slowly, a fifth as many that send a body so, 200 clients that do not read. */
import { parseArgs } from 'node:util';
import { slowClients } from '../e2e/lib/slow-clients.ts';

const { values } = parseArgs({ options: { sockets: { type: 'string', default: '5000' } } });
const sockets = Number(values.sockets);
const report = await slowClients({
  sockets: { drip: sockets, body: Math.ceil(sockets / 5), silent: Math.ceil(sockets / 5) },
  floods: Math.ceil(sockets / 25),
  floodMb: 64,
  aloneMs: 15_000,
});
const all = Object.values(report.sockets);
console.log(
  JSON.stringify({
    ...report,
    sockets: all.reduce((sum, { opened }) => sum + opened, 0),
    closed: all.reduce((sum, { closed }) => sum + closed, 0),
    slowestCloseMs: Math.max(...all.map(({ slowestCloseMs }) => slowestCloseMs)),
    floods: Math.ceil(sockets / 25),
    p99Ratio: report.beside.p99Ms / report.alone.p99Ms,
  }),
);
