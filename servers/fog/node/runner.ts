/** All runs of one node: starts them in folders of their own, looks after them together, ends them with the node. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { type Containment, commandLineOf } from './containment.ts';
import type { RunSpec } from './limits.ts';
import { lookAtProcesses } from './process-tree.ts';
import { type Run, startRun } from './run.ts';

export interface Runner {
  readonly containment: Containment;
  /** @throws AppError when the program is not here, or a sandbox is asked for and absent; then nothing was started */
  start(spec: RunSpec): Run;
  runs(): readonly Run[];
  /** Ends all of them, at once. */
  close(): Promise<void>;
}

const WATCH_EVERY_MS = 200;

export function createRunner(containment: Containment, now: () => number = () => performance.now()): Runner {
  const live = new Map<string, Run>();
  let timer: NodeJS.Timeout | undefined;

  function watch(): void {
    const processes = lookAtProcesses();
    for (const run of live.values()) run.watch(processes);
  }

  return {
    containment,
    start(spec) {
      if (live.has(spec.runId)) throw new Error('this run was started already');
      const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'fog-run-'));
      let run: Run;
      try {
        run = startRun(spec, commandLineOf(spec, containment, folder), containment.hasNamespaces, folder, now);
      } catch (error) {
        fs.rmSync(folder, { recursive: true, force: true });
        throw error;
      }
      live.set(spec.runId, run);
      timer ??= setInterval(watch, WATCH_EVERY_MS);
      void run.ended.then(() => {
        live.delete(spec.runId);
        if (live.size > 0) return;
        clearInterval(timer);
        timer = undefined;
      });
      return run;
    },
    runs: () => [...live.values()],
    async close() {
      const all = [...live.values()];
      watch();
      for (const run of all) run.stop('lost', 'its node ended', 0);
      await Promise.all(all.map(({ ended }) => ended));
    },
  };
}
