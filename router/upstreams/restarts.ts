/**
 * Owns when servers that fail again and again are started once more: one after the other, because the start of a process takes more of a
 * machine than anything it does later, and healthy servers need it (E05). Starts nothing by itself.
 */

/** A start that takes longer lets the next begin: it waits for something, or it hangs. */
const TURN_MS = 300;

export class Restarts {
  private readonly waiting: (() => Promise<unknown>)[] = [];
  private isRunning = false;

  /** Runs `start` when those that asked before had their turn. */
  ask(start: () => Promise<unknown>): void {
    this.waiting.push(start);
    if (!this.isRunning) void this.run();
  }

  private async run(): Promise<void> {
    this.isRunning = true;
    for (let start = this.waiting.shift(); start !== undefined; start = this.waiting.shift()) {
      const { promise, resolve } = Promise.withResolvers<void>();
      const timer = setTimeout(resolve, TURN_MS).unref();
      const done = () => resolve();
      start().then(done, done);
      await promise;
      clearTimeout(timer);
    }
    this.isRunning = false;
  }
}
