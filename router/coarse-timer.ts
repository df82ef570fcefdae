/** One timer for all deadlines of a process: a timer for each call costs more than the call's own bookkeeping. */

/** How late a deadline may be noticed. */
const TICK_MS = 25;

export class CoarseTimer {
  private readonly jobs = new Set<(now: number) => void>();
  private timer: NodeJS.Timeout | undefined;

  /** Milliseconds on a clock that never goes back. */
  now(): number {
    return performance.now();
  }

  /** Runs `job` at each tick until the returned function is called. */
  add(job: (now: number) => void): () => void {
    this.jobs.add(job);
    this.timer ??= setInterval(() => {
      const now = this.now();
      for (const each of this.jobs) each(now);
    }, TICK_MS).unref();
    return () => {
      this.jobs.delete(job);
      if (this.jobs.size > 0) return;
      clearInterval(this.timer);
      this.timer = undefined;
    };
  }
}
