/**
 * The load generator, a process of its own: opens sessions with several tokens, keeps calls in flight, one on each raw socket, and
 * checks every reply. Takes one order from its parent, sends one result back and ends. About 12 µs of CPU a call.
 */
import { ClientSession } from './client-session.ts';
import { Connection } from './connection.ts';
import { cpuMs, machineBusyMs } from './proc.ts';

export interface LoadOrder {
  readonly url: string;
  readonly tool: string;
  /** Session i uses token i modulo their number. */
  readonly tokens: readonly string[];
  readonly sessions: number;
  readonly inFlight: number;
  readonly warmupSeconds: number;
  readonly seconds: number;
  readonly targetPid: number;
  /** Other processes that work for the target: their CPU is not counted as foreign. */
  readonly helperPids: readonly number[];
}

export interface LoadResult {
  readonly calls: number;
  readonly callsPerSecond: number;
  /** Of the target's process, all its threads. */
  readonly cpuMicrosPerCall: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Wrong, refused or malformed replies, warm-up included. */
  readonly errors: number;
  /** Calls without a reply. */
  readonly lost: number;
  /** Cores that the target, this process, and all others kept busy. */
  readonly targetCores: number;
  readonly loadCores: number;
  readonly foreignCores: number;
  readonly samples: readonly string[];
}

const LOST_AFTER_MS = 10_000;
const SAMPLES = 5;
/** Behind a server that answers wrongly only, so that it is not hammered. */
const PAUSE_AFTER_ERROR_MS = 5;
const FILLER = '.abcdefghijklmnopqrstuvwxyz0123456789';
const TEXT_CHARACTERS = 48;

interface Snapshot {
  readonly at: number;
  readonly target: number;
  readonly load: number;
  readonly others: number;
}

class Load {
  private readonly order: LoadOrder;
  private readonly latencies: number[] = [];
  private readonly samples = new Set<string>();
  private readonly connections: Connection[];
  private readonly run = Math.random().toString(36).slice(2, 8);
  private counting = false;
  private stopped = false;
  private sent = 0;
  private errors = 0;
  private lost = 0;

  constructor(order: LoadOrder) {
    this.order = order;
    this.connections = Array.from({ length: order.inFlight }, () => new Connection(new URL(order.url)));
  }

  async measure(): Promise<LoadResult> {
    const { order, connections } = this;
    const sessions = Array.from(
      { length: order.sessions },
      (_, i) => new ClientSession(new URL(order.url), order.tokens[i % order.tokens.length]!),
    );
    for (const session of sessions) await session.open(connections[0]!);
    const watch = setInterval(() => this.giveUpOld(), 500);
    const lanes = connections.map((connection, i) => this.keepCalling(connection, sessions[i % sessions.length]!));
    await sleep(order.warmupSeconds * 1000);
    const before = this.snapshot();
    this.counting = true;
    await sleep(order.seconds * 1000);
    this.counting = false;
    const after = this.snapshot();
    this.stopped = true;
    await Promise.all(lanes);
    clearInterval(watch);
    for (const session of sessions) await session.close(connections[0]!);
    return this.result(before, after);
  }

  private async keepCalling(connection: Connection, session: ClientSession): Promise<void> {
    while (!this.stopped) {
      const text = `${this.run}.${(this.sent++).toString(36)}${FILLER}`.padEnd(TEXT_CHARACTERS, '.');
      const startedAt = performance.now();
      try {
        await session.call(connection, this.order.tool, text);
        if (this.counting) this.latencies.push(performance.now() - startedAt);
      } catch (error) {
        if (connection.connected) this.errors++;
        else this.lost++;
        if (this.samples.size < SAMPLES) this.samples.add((error as Error).message);
        await sleep(PAUSE_AFTER_ERROR_MS);
      }
    }
  }

  private giveUpOld(): void {
    const now = performance.now();
    for (const connection of this.connections) {
      if (connection.sentAt > 0 && now - connection.sentAt > LOST_AFTER_MS) connection.close('no reply in 10 s');
    }
  }

  private snapshot(): Snapshot {
    const { user, system } = process.cpuUsage();
    const load = (user + system) / 1000;
    const target = cpuMs(this.order.targetPid);
    const helpers = this.order.helperPids.reduce((sum, pid) => sum + cpuMs(pid), 0);
    return { at: performance.now(), target, load, others: machineBusyMs() - target - helpers - load };
  }

  private result(before: Snapshot, after: Snapshot): LoadResult {
    const sorted = Float64Array.from(this.latencies).sort();
    const wallMs = after.at - before.at;
    const quantile = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
    return {
      calls: sorted.length,
      callsPerSecond: (sorted.length * 1000) / wallMs,
      cpuMicrosPerCall: sorted.length === 0 ? 0 : ((after.target - before.target) * 1000) / sorted.length,
      p50Ms: quantile(0.5),
      p99Ms: quantile(0.99),
      errors: this.errors,
      lost: this.lost,
      targetCores: (after.target - before.target) / wallMs,
      loadCores: (after.load - before.load) / wallMs,
      foreignCores: Math.max(0, (after.others - before.others) / wallMs),
      samples: [...this.samples],
    };
  }
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

process.on('disconnect', () => process.exit(1));
process.once('message', (order: LoadOrder) => {
  new Load(order).measure().then(
    (result) => process.send!({ result }, () => process.disconnect()),
    (error: Error) => process.send!({ failure: error.message }, () => process.disconnect()),
  );
});
