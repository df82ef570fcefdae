import { beforeEach, describe, expect, it } from 'vitest';
import type { RunOrder } from '../../../../servers/fog/link/messages.ts';
import { createHolding, type Holding } from '../../../../servers/fog/node/holding.ts';
import { endWithout, type RunEnd } from '../../../../servers/fog/node/limits.ts';
import type { DistantRun } from '../../../../servers/fog/node/runner-client.ts';

interface Played {
  /** What the node did with it, in order. */
  readonly did: string[];
  end(end: RunEnd): void;
}

let runs: Map<string, Played>;
let told: string[];
let holding: Holding;
const DONE = { ...endWithout('succeeded', 'ended with code 0'), exitCode: 0 };

beforeEach(() => {
  runs = new Map();
  told = [];
  holding = createHolding({
    cpuCores: 2,
    memoryGb: 2,
    prepare(order, runId) {
      if (order.program === 'command:rm') throw new Error('not here');
      const ended = Promise.withResolvers<RunEnd>();
      const did: string[] = ['prepared'];
      runs.set(runId, { did, end: ended.resolve });
      const run: DistantRun = {
        start: () => void did.push('started'),
        prepared: Promise.resolve(true),
        ended: ended.promise,
        stop: (outcome, detail) => void did.push(`${outcome}: ${detail}`),
        look: () => ({ cpuMs: 0, mbMs: 0, progress: undefined, tail: undefined }),
      };
      return run;
    },
    onStarted: ({ work_id }) => void told.push(`${work_id} started`),
    onEnded: ({ work_id }, { outcome }) => void told.push(`${work_id} ${outcome}`),
    reasonOf: (error) => String(error),
  });
});

const order = (work_id: string, over: Partial<RunOrder> = {}): RunOrder => ({
  type: 'run',
  work_id,
  fence: 1,
  kind: 'job',
  program: 'command:sleep',
  args: [],
  label: work_id,
  cpu_cores: 1,
  memory_gb: 0.5,
  gpu: false,
  wall_seconds: 10,
  ...over,
});
const key = (work_id: string) => ({ work_id, fence: 1 });
const did = (work_id: string) => runs.get(`${work_id}:1`)?.did;
const settled = () => new Promise((resolve) => setImmediate(resolve));

describe('what a node holds', () => {
  it('[F3] starts while there is room; the next is made ready, and starts when one has ended', async () => {
    for (const id of ['a', 'b', 'c']) holding.take(order(id));
    expect([did('a'), did('b'), did('c')]).toEqual([['prepared', 'started'], ['prepared', 'started'], ['prepared']]);
    runs.get('a:1')?.end(DONE);
    await settled();
    expect(did('c')).toEqual(['prepared', 'started']);
    expect(told).toEqual(['a started', 'b started', 'a succeeded', 'c started']);
  });

  it('[F3] lets a small one pass a large one that finds no room yet', async () => {
    holding.take(order('a'));
    holding.take(order('large', { cpu_cores: 2 }));
    holding.take(order('small'));
    expect(did('small')).toEqual(['prepared', 'started']);
    expect(did('large')).toEqual(['prepared']);
    runs.get('a:1')?.end(DONE);
    runs.get('small:1')?.end(DONE);
    await settled();
    expect(did('large')).toEqual(['prepared', 'started']);
  });

  it('[F3] makes no more than eight ready, and no shard before its time', () => {
    holding.take(order('a', { cpu_cores: 2 }));
    for (let index = 0; index < 20; index++) holding.take(order(`w${index}`));
    expect([...runs.keys()]).toHaveLength(1 + 8);
    holding.drop([...Array(20).keys()].map((index) => key(`w${index}`)));
    holding.take(order('s', { kind: 'shard' }));
    expect(did('s')).toBeUndefined();
  });

  it('[F3] gives back what has not started, for good, and nothing else', async () => {
    holding.take(order('a', { cpu_cores: 2 }));
    holding.take(order('b'));
    expect(holding.giveBack(key('b'))).toBe(true);
    expect(did('b')).toEqual(['prepared', 'lost: it was given back']);
    expect([holding.giveBack(key('a')), holding.giveBack(key('b')), holding.giveBack(key('c'))]).toEqual([
      false,
      false,
      false,
    ]);
    runs.get('b:1')?.end(endWithout('lost', 'it was given back'));
    runs.get('a:1')?.end(DONE);
    await settled();
    expect(told).toEqual(['a started', 'a succeeded']);
    expect(holding.all().map(({ work_id }) => work_id)).toEqual(['a']);
  });

  it('[F3] ends what waits when it is cancelled, and never starts it', async () => {
    holding.take(order('a', { cpu_cores: 2 }));
    holding.take(order('b'));
    holding.stop(key('b'), 'asked');
    runs.get('b:1')?.end(endWithout('cancelled', 'asked'));
    runs.get('a:1')?.end(DONE);
    await settled();
    expect(told).toEqual(['b cancelled', 'a started', 'a succeeded']);
    expect(did('b')).toEqual(['prepared', 'cancelled: asked']);
  });

  it('[F3] keeps the room of what was dropped until it has ended', async () => {
    holding.take(order('a', { cpu_cores: 2 }));
    holding.drop([key('a')]);
    holding.take(order('b', { cpu_cores: 2 }));
    expect(did('b')).toEqual(['prepared']);
    runs.get('a:1')?.end(endWithout('lost', 'others have it by now'));
    await settled();
    expect(did('b')).toEqual(['prepared', 'started']);
    expect(told).toEqual(['b started']);
  });

  it('[F3] refuses what it could never hold, and what cannot be made, with the reason', () => {
    holding.take(order('huge', { cpu_cores: 2.5 }));
    holding.take(order('bad', { program: 'command:rm' }));
    expect(told).toEqual(['huge failed', 'bad failed']);
    expect(holding.all().map(({ end }) => end?.detail)).toEqual([
      'it asks for more than this node offers',
      'Error: not here',
    ]);
  });

  it('[F3] loses all of it, also what waits', async () => {
    holding.take(order('a', { cpu_cores: 2 }));
    holding.take(order('b'));
    holding.loseAll('alone');
    expect(did('a')).toEqual(['prepared', 'started', 'lost: alone']);
    runs.get('a:1')?.end(endWithout('lost', 'alone'));
    await settled();
    expect(told).toEqual(['b lost', 'a started', 'a lost']);
    expect(did('b')).not.toContain('started');
  });

  it('[F3] runs once what it is given twice', () => {
    holding.take(order('a'));
    holding.take(order('a'));
    expect(did('a')).toEqual(['prepared', 'started']);
  });
});
