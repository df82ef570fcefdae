/**
 * What limits and screening cost a call: `node test/bench/screening.ts [--json] [--repeats 5]`, 0 for the parts only. First each part alone, in µs of CPU, on
 * 2,400 honest calls; then whole routers in turn, with screening on and off.
 */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { CoarseTimer } from '../../router/coarse-timer.ts';
import { openLedger } from '../../router/limits/ledger.ts';
import { Limiter } from '../../router/limits/limiter.ts';
import { screen } from '../../router/screening/screen.ts';
import { stringifyOctets } from '../../shared/json/octets.ts';
import { benignCalls } from '../fixtures/screening/benign.ts';
import { amount } from './amount.ts';
import { medianMicroseconds } from './microseconds.ts';
import { routersInTurn } from './routers-in-turn.ts';

const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    repeats: { type: 'string', default: '5' },
    quick: { type: 'boolean' },
  },
});
const CALLS = amount(48_000);

async function parts(): Promise<Record<string, number>> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'bench-'));
  const now = () => performance.now();
  const limiter = new Limiter({
    ledger: await openLedger(folder, now()),
    timer: new CoarseTimer(),
    now,
    onFault: (error) => {
      throw error;
    },
  });
  const calls = benignCalls(2_400).map((args) => stringifyOctets(args));
  const echo = stringifyOctets({ text: 'x'.repeat(48) });
  const results = {
    limit_of_a_caller: await medianMicroseconds(CALLS, () => limiter.take('c:alice', 1_000_000)),
    limit_of_one_that_is_over_it: await medianMicroseconds(CALLS, () => limiter.take('c:bob', 10)),
    screen_an_echo: await medianMicroseconds(CALLS, () => screen(echo, { isLiteral: false })),
    screen_honest_calls: await medianMicroseconds(CALLS, (i) => screen(calls[i % calls.length]!, { isLiteral: false })),
    octets_of_an_honest_call: Math.round(calls.reduce((sum, { length }) => sum + length, 0) / calls.length),
  };
  await limiter.close();
  fs.rmSync(folder, { recursive: true });
  return results;
}

const ROUTERS = {
  'screening off': { router: { screening: false } },
  'screening on': { router: { screening: true } },
};

const results = {
  parts_us: await parts(),
  ...(Number(values.repeats) > 0 ? { routers: await routersInTurn(ROUTERS, Number(values.repeats)) } : {}),
};
process.stdout.write(`${JSON.stringify(results, null, values.json ? 0 : 2)}\n`);
