/**
 * What a node was given and has not handed back: runs that wait for room, that run, and whose result the server has not taken. Starts
 * them in the order in which they came, never more than the node offers. Knows no link.
 */
import type { RunOrder } from '../link/messages.ts';
import { endWithout, type RunEnd } from './limits.ts';
import type { DistantRun } from './runner-client.ts';

export interface RunKey {
  readonly work_id: string;
  readonly fence: number;
}

export interface Held extends RunKey {
  readonly order: RunOrder;
  /** Undefined while it waits for room, and for what was refused. */
  readonly run: DistantRun | undefined;
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

export interface HoldingOptions {
  readonly cpuCores: number;
  readonly memoryGb: number;
  /** @throws AppError for what this node does not allow */
  readonly start: (order: RunOrder, runId: string) => DistantRun;
  readonly onStarted: (key: RunKey) => void;
  readonly onEnded: (held: Held, end: RunEnd) => void;
  /** What to tell the orderer of a run that could not be started. */
  readonly reasonOf: (error: unknown) => string;
}

/** Results of runs that the server never asked for again. */
const MAX_UNTAKEN = 10_000;
/** Sums of shares such as 0.1 are not exact. */
const EPSILON = 1e-9;

export function createHolding(options: HoldingOptions): Holding {
  const held = new Map<string, Held & { run: DistantRun | undefined; end: RunEnd | undefined }>();
  /** Those that wait, in the order in which they came; each is in `held` too. */
  const waiting = new Map<string, RunOrder>();
  let usedCores = 0;
  let usedGb = 0;

  const hasRoomFor = ({ cpu_cores, memory_gb }: RunOrder): boolean =>
    usedCores + cpu_cores <= options.cpuCores + EPSILON && usedGb + memory_gb <= options.memoryGb + EPSILON;

  function startWhatFits(): void {
    for (const [key, order] of waiting) {
      if (!hasRoomFor(order)) continue;
      waiting.delete(key);
      start(key, order);
    }
  }

  function start(key: string, order: RunOrder): void {
    let run: DistantRun;
    try {
      run = options.start(order, key);
    } catch (error) {
      end(key, endWithout('failed', options.reasonOf(error)));
      return;
    }
    usedCores += order.cpu_cores;
    usedGb += order.memory_gb;
    const one = held.get(key);
    if (one !== undefined) one.run = run;
    void run.started.then((was) => {
      if (was && held.get(key)?.run === run) options.onStarted(order);
    });
    void run.ended.then((how) => {
      usedCores -= order.cpu_cores;
      usedGb -= order.memory_gb;
      if (held.get(key)?.run === run) end(key, how);
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
      held.set(key, { work_id, fence, order, run: undefined, end: undefined, toldTail: '' });
      if (order.cpu_cores > options.cpuCores + EPSILON || order.memory_gb > options.memoryGb + EPSILON) {
        end(key, endWithout('failed', 'it asks for more than this node offers'));
        return;
      }
      waiting.set(key, order);
      startWhatFits();
    },
    stop(one, detail) {
      const key = keyOf(one);
      if (waiting.delete(key)) end(key, endWithout('cancelled', detail));
      else held.get(key)?.run?.stop('cancelled', detail);
    },
    giveBack(one) {
      const key = keyOf(one);
      return waiting.delete(key) && held.delete(key);
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
        else one.run?.stop('lost', why);
      }
    },
  };
}

function keyOf({ work_id, fence }: RunKey): string {
  return `${work_id}:${fence}`;
}
