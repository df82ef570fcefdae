/** Asks a server at intervals, on the connection that is there, whether it still answers (R3): a ping, and no session of its own. */
import type { CoarseTimer } from '../coarse-timer.ts';
import type { Peer } from './peer.ts';

type Pinged = Pick<Peer, 'request'>;

export interface HealthCheckOptions {
  readonly timer: CoarseTimer;
  readonly intervalMs: number;
  /** The connection there is now, if there is one. */
  readonly peer: () => Pinged | undefined;
  /** It answers again, or no longer. */
  readonly onChange: (answers: boolean) => void;
}

/** A server that takes longer to answer a ping does not answer. */
const ANSWER_MS = 5_000;

export class HealthCheck {
  readonly stop: () => void;
  private readonly options: HealthCheckOptions;
  private askedAt: number;
  private asking = false;
  private answers = true;

  constructor(options: HealthCheckOptions) {
    this.options = options;
    this.askedAt = options.timer.now();
    this.stop = options.timer.add((now) => this.tick(now));
  }

  private tick(now: number): void {
    if (this.asking || now - this.askedAt < this.options.intervalMs) return;
    this.askedAt = now;
    const peer = this.options.peer();
    if (peer !== undefined) void this.ask(peer);
  }

  private async ask(peer: Pinged): Promise<void> {
    this.asking = true;
    try {
      await peer.request('ping', undefined, { timeoutMs: ANSWER_MS, maxMs: ANSWER_MS });
      this.tell(true);
    } catch {
      // A connection that was lost has its own way to tell.
      if (this.options.peer() === peer) this.tell(false);
    } finally {
      this.asking = false;
    }
  }

  private tell(answers: boolean): void {
    if (answers === this.answers) return;
    this.answers = answers;
    this.options.onChange(answers);
  }
}
