/**
 * What copies, turns and kept answers cost a call: `node test/bench/routing.ts [--json] [--repeats 5]`, 0 for the parts only. First each part alone, in
 * µs of CPU, beside a breaker of the library; then whole routers in turn, each with one of them on.
 */
import { parseArgs } from 'node:util';
import { ConsecutiveBreaker, circuitBreaker, handleAll } from 'cockatiel';
import { Call } from '../../router/call.ts';
import type { Entry } from '../../router/catalog/catalog.ts';
import { CoarseTimer } from '../../router/coarse-timer.ts';
import { AnswerCache } from '../../router/line/cache.ts';
import { readClientMessage } from '../../router/message.ts';
import { Session } from '../../router/session.ts';
import { Liveness } from '../../router/upstreams/liveness.ts';
import { PeakEwma } from '../../router/upstreams/peak-ewma.ts';
import { STRATEGIES, type StrategyName, type Weighed } from '../../router/upstreams/strategies.ts';
import { LEVELS } from '../../shared/identity/levels.ts';
import { encodeOctets } from '../../shared/json/octets.ts';
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
const CALLS = amount(200_000);

class Copy implements Weighed {
  readonly priority = 1;
  inFlight = 0;
  credit = 0;
  readonly latency = new PeakEwma();
  cost(now: number): number {
    return this.latency.value(now);
  }
}

function aCall(): Call {
  const caller = {
    agentId: 'alice',
    role: 'user',
    level: LEVELS.OPERATOR,
    permissions: [],
    tokenId: 't',
    expiresAt: Number.MAX_SAFE_INTEGER,
  };
  const outlet = { open: true, send() {}, cut() {}, close() {} };
  const session = new Session({ id: 's', caller, endpoint: undefined, door: 'http', outlet });
  const params = `{"name":"up__read","arguments":{"text":"${'x'.repeat(48)}"}}`;
  const message = readClientMessage(encodeOctets(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":${params}}`));
  return new Call(session, caller, message, { send() {}, answer() {} });
}

function anEntry(): Entry {
  return {
    server: { id: 'up', serial: 1, epoch: 0, options: { isolation: 'shared', assertion: undefined } },
    item: { own: 'read', digest: 'd'.repeat(64), readOnly: true },
    target: { kind: 'tool', listedName: 'up__read', serverId: 'up', ownName: 'read' },
  } as Entry;
}

async function parts(): Promise<Record<string, number>> {
  const copies = [new Copy(), new Copy(), new Copy()];
  const now = () => performance.now();
  const liveness = new Liveness({
    timer: new CoarseTimer(),
    intervalMs: 60_000,
    hasSiblings: true,
    peer: () => undefined,
    onChange: () => {},
  });
  const policy = circuitBreaker(handleAll, { halfOpenAfter: 1_000, breaker: new ConsecutiveBreaker(5) });
  const answer = Promise.resolve(1);
  const results: Record<string, number> = {};
  for (const name of Object.keys(STRATEGIES) as StrategyName[]) {
    results[`choose_${name}`] = await medianMicroseconds(CALLS, (i) => STRATEGIES[name](copies, 3, i, now));
  }
  results.observe_latency = await medianMicroseconds(CALLS, (i) => copies[i % 3]!.latency.observe(5, now()));
  results.breaker = await medianMicroseconds(CALLS, () => {
    if (!liveness.isOpen) liveness.succeeded();
  });
  const [call, entry, row] = [aCall(), anEntry(), { match: 'up__read', level: 'OPERATOR', cacheSeconds: 60 } as const];
  const cache = new AnswerCache(now);
  const kept = { ok: true, octets: encodeOctets(`{"content":[{"type":"text","text":"${'x'.repeat(48)}"}]}`) };
  results.key_of_an_answer = await medianMicroseconds(CALLS, () => cache.keyFor(call, entry, row));
  results.keep_an_answer = await medianMicroseconds(CALLS, (i) => cache.put(`key ${i % 20_000}`, call, row, kept));
  results.find_an_answer = await medianMicroseconds(CALLS, () => cache.get('key 19999'));
  results.await_alone = await medianMicroseconds(CALLS, () => answer);
  results.breaker_of_cockatiel = await medianMicroseconds(CALLS, () => policy.execute(() => answer));
  liveness.stop();
  return results;
}

const ROUTERS = {
  'one copy': {},
  'three, round-robin': { entry: { replicas: 3 } },
  'three, adaptive': { entry: { replicas: 3, strategy: 'adaptive' } },
  'one, 1,000 at a time': { entry: { securityProfile: { max_concurrent_operations: 1_000 } } },
  'one, every answer kept': { row: { cacheSeconds: 60 } },
};

const results = {
  parts_us: await parts(),
  ...(Number(values.repeats) > 0 ? { routers: await routersInTurn(ROUTERS, Number(values.repeats)) } : {}),
};
process.stdout.write(`${JSON.stringify(results, null, values.json ? 0 : 2)}\n`);
