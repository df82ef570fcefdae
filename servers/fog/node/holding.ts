/**
 * What a node was given and has not handed back: runs that wait for room, that run, and whose result the server has not taken. Starts
 * them in the order in which they came, never more than the node offers, and makes the next ones ready. Knows no link.
 */
import type { RunOrder } from '../link/messages.ts';
import { fits, type Share } from '../work/fits.ts';
import { endWithout, type RunEnd } from './limits.ts';
import type { DistantRun } from './runner-client.ts';

export interface RunKey {
  readonly work_id: string;
  readonly fence: number;
}

export interface Held extends RunKey {
  readonly order: RunOrder;
  /** Undefined while it is not even made ready, and for what was refused. */
  readonly run: DistantRun | undefined;
  readonly isStarted: boolean;
  readonly end: RunEnd | undefined;
  /** Of a shard: what the server was told last. */
  toldTail: string;
}

export interface Holding {
  /** Starts it as soon as there is room; a run that is held already stays as it is. */
  take(order: RunOrder): void;
  stop(key: RunKey, detail: string): void;
  /** Gives back what has not started. @returns false when it has, or is not here: then nothing changed */
  giveBack(key: RunKey): boolean;
  /** The server has its result. */
  taken(key: RunKey): void;
  /** Others have them: they end, and nobody waits for a result. */
  drop(keys: readonly RunKey[]): void;
  all(): readonly Held[];
  /** Ends all of them as lost. */
  loseAll(why: string): void;
}

/** With what the node offers in all. */
export interface HoldingOptions extends Share {
  /** @throws AppError for what this node does not allow */
  readonly prepare: (order: RunOrder, runId: string) => DistantRun;
  readonly onStarted: (key: RunKey) => void;
  readonly onEnded: (held: Held, end: RunEnd) => void;
  /** What to tell the orderer of a run that could not be started. */
  readonly reasonOf: (error: unknown) => string;
}

/** Results of runs that the server never asked for again. */
const MAX_UNTAKEN = 10_000;
/** Jobs that are made ready before there is room for them, at most; each is three small processes. */
const MAX_READY = 8;

type Mutable = { -readonly [Key in keyof Held]: Held[Key] };

export function createHolding(options: HoldingOptions): Holding {
  const held = new Map<string, Mutable>();
  /** Those that wait, in the order in which they came; each is in `held` too. */
  const waiting = new Map<string, Mutable>();
  let usedCores = 0;
  let usedGb = 0;

  const hasRoomFor = (order: RunOrder): boolean =>
    fits(shareOf(order), { cpuCores: options.cpuCores - usedCores, memoryGb: options.memoryGb - usedGb });

  function startWhatFits(): void {
    for (const [key, one] of waiting) {
      if (!hasRoomFor(one.order)) continue;
      waiting.delete(key);
      start(key, one);
    }
    let ready = 0;
    for (const [key, one] of waiting) {
      if (ready++ >= MAX_READY) return;
      if (one.order.kind === 'job') prepare(key, one);
    }
  }

  function start(key: string, one: Mutable): void {
    prepare(key, one);
    if (one.run === undefined) return;
    one.isStarted = true;
    usedCores += one.order.cpu_cores;
    usedGb += one.order.memory_gb;
    one.run.start();
    // Of one that is ready it is told in this turn, beside the end of the one before.
    void one.run.prepared.then((was) => {
      if (was && held.get(key) === one) options.onStarted(one);
    });
  }

  function prepare(key: string, one: Mutable): void {
    if (one.run !== undefined) return;
    let run: DistantRun;
    try {
      run = options.prepare(one.order, key);
    } catch (error) {
      waiting.delete(key);
      end(key, endWithout('failed', options.reasonOf(error)));
      return;
    }
    one.run = run;
    void run.ended.then((how) => {
      if (one.isStarted) {
        usedCores -= one.order.cpu_cores;
        usedGb -= one.order.memory_gb;
      }
      waiting.delete(key);
      if (held.get(key) === one) end(key, how);
      startWhatFits();
    });
  }

  function end(key: string, how: RunEnd): void {
    const one = held.get(key);
    if (one === undefined || one.end !== undefined) return;
    one.end = how;
    if (held.size > MAX_UNTAKEN) held.delete(held.keys().next().value ?? '');
    options.onEnded(one, how);
  }

  return {
    take(order) {
      const key = keyOf(order);
      if (held.has(key)) return;
      const { work_id, fence } = order;
      const one: Mutable = { work_id, fence, order, run: undefined, isStarted: false, end: undefined, toldTail: '' };
      held.set(key, one);
      if (!fits(shareOf(order), options)) {
        end(key, endWithout('failed', 'it asks for more than this node offers'));
        return;
      }
      waiting.set(key, one);
      startWhatFits();
    },
    stop(one, detail) {
      const key = keyOf(one);
      const run = held.get(key)?.run;
      if (waiting.delete(key)) end(key, endWithout('cancelled', detail));
      run?.stop('cancelled', detail);
    },
    giveBack(one) {
      const key = keyOf(one);
      if (!waiting.delete(key)) return false;
      held.get(key)?.run?.stop('lost', 'it was given back');
      return held.delete(key);
    },
    taken: (key) => void held.delete(keyOf(key)),
    drop(keys) {
      for (const key of keys.map(keyOf)) {
        const one = held.get(key);
        held.delete(key);
        waiting.delete(key);
        one?.run?.stop('lost', 'others have it by now');
      }
    },
    all: () => [...held.values()],
    loseAll(why) {
      for (const [key, one] of held) {
        if (waiting.delete(key)) end(key, endWithout('lost', why));
        one.run?.stop('lost', why);
      }
    },
  };
}

function shareOf({ cpu_cores: cpuCores, memory_gb: memoryGb }: RunOrder): Share {
  return { cpuCores, memoryGb };
}

function keyOf({ work_id, fence }: RunKey): string {
  return `${work_id}:${fence}`;
}
