/** Takes samples of the machine at a steady pace while somebody watches, keeps the last one, and tells who watches. */
import { EventEmitter } from 'node:events';
import type { ReadMachine, Sample } from './machine.ts';

export interface SamplerOptions {
  readonly read: ReadMachine;
  readonly nowMs: () => number;
  readonly onFault: (cause: unknown) => void;
  /** Time between samples; 5 s unless given. */
  readonly intervalMs?: number;
}

const SAMPLE_INTERVAL_MS = 5_000;
/** A sample this young answers the next question too, so that many askers cost one reading. */
const FRESH_MS = 1_000;

export class Sampler {
  latest: Sample | undefined;
  private readonly events = new EventEmitter<{ sample: [Sample] }>().setMaxListeners(0);
  private readonly options: SamplerOptions;
  private readonly intervalMs: number;
  private timer: NodeJS.Timeout | undefined;
  private reading: Promise<Sample> | undefined;
  private isClosed = false;

  constructor(options: SamplerOptions) {
    this.options = options;
    this.intervalMs = options.intervalMs ?? SAMPLE_INTERVAL_MS;
  }

  /** The machine now: a sample at most a second old. Starts the sampling. */
  async current(): Promise<Sample> {
    this.start();
    const { latest } = this;
    if (latest !== undefined && this.options.nowMs() - latest.atMs < FRESH_MS) return latest;
    return this.take();
  }

  /** Calls `onSample` with each new sample until the returned function is called. Starts the sampling. */
  watch(onSample: (sample: Sample) => void): () => void {
    this.start();
    this.events.on('sample', onSample);
    return () => {
      this.events.off('sample', onSample);
    };
  }

  close(): void {
    this.isClosed = true;
    clearInterval(this.timer);
    this.events.removeAllListeners();
  }

  private start(): void {
    if (this.timer !== undefined || this.isClosed) return;
    this.timer = setInterval(() => {
      this.take().catch(this.options.onFault);
    }, this.intervalMs).unref();
  }

  /** Who asks during a reading gets that one. */
  private take(): Promise<Sample> {
    this.reading ??= this.options
      .read()
      .then((sample) => {
        this.latest = sample;
        if (!this.isClosed) this.events.emit('sample', sample);
        return sample;
      })
      .finally(() => {
        this.reading = undefined;
      });
    return this.reading;
  }
}
