/**
 * All runs of one node: starts them, in folders of their own where they have no sandbox, looks after them together, ends them with
 * the node. Lives in the runner's own process (runner-process.ts).
 */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { type Containment, commandLineOf } from './containment.ts';
import type { RunSpec } from './limits.ts';
import { lookAtProcesses } from './process-tree.ts';
import { prepareRun, type Run } from './run.ts';

export interface Runner {
  readonly containment: Containment;
  /**
   * Makes it ready; `start` lets it begin.
   * @throws AppError when the program is not here, or a sandbox is asked for and absent; then nothing was made
   */
  prepare(spec: RunSpec): Run;
  runs(): readonly Run[];
  /** Ends all of them, at once. */
  close(): Promise<void>;
}

export interface RunnerOptions {
  readonly containment: Containment;
  readonly now?: () => number;
  /** Told after each look at what lives. */
  readonly onLook?: (runs: readonly Run[]) => void;
}

/** A run is looked at when it is so old, and as often afterwards. */
const LOOK_EVERY_MS = 200;

export function createRunner(options: RunnerOptions): Runner {
  const { containment, now = () => performance.now(), onLook = () => undefined } = options;
  /** When each was started or looked at last. */
  const live = new Map<string, { readonly run: Run; lookedAt: number }>();
  let timer: NodeJS.Timeout | undefined;

  /** A look reads every process of the machine: it waits for the first that is due, and jobs that are shorter need none. */
  function lookWhenDue(): void {
    clearTimeout(timer);
    timer = undefined;
    if (live.size === 0) return;
    // What is only ready is as if it started now.
    const since = [...live.values()].map(({ run, lookedAt }) => Math.max(run.startedAt ?? now(), lookedAt));
    const oldest = Math.min(...since);
    const dueInMs = oldest + LOOK_EVERY_MS - now();
    if (dueInMs > 0) timer = setTimeout(lookWhenDue, dueInMs);
    else {
      look();
      timer = setTimeout(lookWhenDue, LOOK_EVERY_MS);
    }
  }

  function look(): void {
    const processes = lookAtProcesses();
    for (const one of live.values()) {
      one.run.watch(processes);
      one.lookedAt = now();
    }
    onLook(runs().filter(({ startedAt }) => startedAt !== undefined));
  }

  const runs = (): Run[] => [...live.values()].map(({ run }) => run);

  return {
    containment,
    runs,
    prepare(spec) {
      if (live.has(spec.runId)) throw new Error('this run was started already');
      const folder = spec.program.sandbox ? undefined : fs.mkdtempSync(path.join(os.tmpdir(), 'fog-run-'));
      let run: Run;
      try {
        run = prepareRun(spec, commandLineOf(spec, containment, folder), containment.hasNamespaces, folder, now);
      } catch (error) {
        if (folder !== undefined) fs.rmSync(folder, { recursive: true, force: true });
        throw error;
      }
      live.set(spec.runId, { run, lookedAt: now() });
      timer ??= setTimeout(lookWhenDue, LOOK_EVERY_MS);
      void run.ended.then(() => live.delete(spec.runId));
      return run;
    },
    async close() {
      const all = runs();
      if (all.length > 0) look();
      for (const run of all) run.stop('lost', 'its node ended', 0);
      await Promise.all(all.map(({ ended }) => ended));
      clearTimeout(timer);
    },
  };
}
