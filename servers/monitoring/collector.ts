/** Takes what is measured at a steady pace into the time series, and lets the alerts look at it. Judges nothing itself. */
import { AppError } from '../../shared/errors.ts';
import type { Log } from '../../shared/log.ts';
import type { Alerts } from './alerts/alerts.ts';
import { totalsOf } from './figures.ts';
import type { Sample } from './machine.ts';
import type { ProcessReading, ReadProcesses } from './processes.ts';
import { type ReadRouter, type RouterReading, valuesOf } from './router-figures.ts';
import type { Sampler } from './sampler.ts';
import type { TimeSeries, Value } from './series.ts';

export interface CollectorOptions {
  readonly sampler: Sampler;
  readonly readProcesses: ReadProcesses;
  /** Undefined without a router. */
  readonly readRouter: ReadRouter | undefined;
  readonly series: TimeSeries;
  readonly alerts: Alerts;
  readonly log: Log;
  readonly nowMs: () => number;
}

const COMPACT_EVERY_MS = 30_000;
const DROP_EVERY_MS = 3_600_000;

export class Collector {
  /** Of the last sample; null where they cannot be read. */
  processes: readonly ProcessReading[] | null = null;
  /** The last reading, and why there is none newer. */
  router: RouterReading | undefined;
  routerProblem: string | undefined;
  /** Why some values are not kept, in words for the owner. */
  seriesProblem: string | undefined;
  private readonly options: CollectorOptions;
  private readonly stopWatching: () => void;
  private compactedAt = 0;
  private droppedAt: number;
  private running: Promise<void> | undefined;

  constructor(options: CollectorOptions) {
    this.options = options;
    this.droppedAt = options.nowMs();
    this.stopWatching = options.sampler.watch((sample) => void this.collect(sample));
  }

  async close(): Promise<void> {
    this.stopWatching();
    await this.running;
  }

  /** One round; a sample that comes during one is left out. Never rejects. */
  async collect(sample: Sample): Promise<void> {
    if (this.running !== undefined) return;
    this.running = this.round(sample)
      .catch((cause: unknown) => this.options.log.error({ cause }, 'a sample could not be kept'))
      .finally(() => {
        this.running = undefined;
      });
    await this.running;
  }

  private async round(sample: Sample): Promise<void> {
    const { series, alerts, nowMs, readProcesses } = this.options;
    this.processes = await readProcesses();
    const values = [...machineValues(sample), ...processValues(this.processes ?? []), ...(await this.routerValues())];
    try {
      await series.record(sample.atMs, values);
      this.seriesProblem = undefined;
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      if (this.seriesProblem === undefined) this.options.log.warn({ problem: error.message }, 'series were refused');
      this.seriesProblem = error.message;
    }
    await alerts.look(nowMs());
    if (nowMs() - this.compactedAt < COMPACT_EVERY_MS) return;
    this.compactedAt = nowMs();
    await series.compact(nowMs());
    if (nowMs() - this.droppedAt < DROP_EVERY_MS) return;
    this.droppedAt = nowMs();
    await series.dropEmpty();
  }

  private async routerValues(): Promise<Value[]> {
    const { readRouter } = this.options;
    if (readRouter === undefined) return [];
    try {
      const before = this.router;
      this.router = await readRouter();
      this.routerProblem = undefined;
      return valuesOf(this.router, before);
    } catch (error) {
      this.routerProblem = error instanceof AppError ? error.message : 'The metrics of the router could not be read';
      return [];
    }
  }
}

function machineValues(sample: Sample): Value[] {
  const values: Value[] = [];
  for (const [name, value] of Object.entries(totalsOf(sample))) if (value !== null) values.push({ name, value });
  for (const { mount, usedBytes, totalBytes } of sample.disk?.filesystems ?? [])
    values.push({ name: `disk.${mount}.used_percent`, value: (100 * usedBytes) / totalBytes });
  return values;
}

function processValues(processes: readonly ProcessReading[]): Value[] {
  return processes.flatMap(({ name, cpuPercent, rssBytes }) => [
    ...(cpuPercent === null ? [] : [{ name: `process.${name}.cpu_percent`, value: cpuPercent }]),
    { name: `process.${name}.rss_bytes`, value: rssBytes },
  ]);
}
