/**
 * The agent's end of the process that runs its runs: starts it, starts it anew when it died, and tells what becomes of each run.
 * Knows nothing of how a run is limited.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileBeside } from '../../../shared/file-beside.ts';
import type { Log } from '../../../shared/log.ts';
import type { Outcome } from '../work/metering.ts';
import type { Containment } from './containment.ts';
import { endWithout, type RunEnd, type RunSpec } from './limits.ts';
import { killMarked } from './process-tree.ts';
import type { FromRunner, RunLook, ToRunner } from './runner-messages.ts';

export interface DistantRun {
  start(): void;
  /** Whether it was made; false: it was refused or lost before its first process. */
  readonly prepared: Promise<boolean>;
  /** Never rejects. */
  readonly ended: Promise<RunEnd>;
  /** SIGTERM to all of it, SIGKILL after the grace. The first reason counts. */
  stop(outcome: Outcome, detail: string): void;
  /** As it was looked at last. */
  look(): Omit<RunLook, 'runId'>;
}

export interface RunnerClient {
  readonly containment: Containment;
  /** Makes it ready, so that its start takes no time. What cannot be made ends as `failed`, with the reason in its `detail`. */
  prepare(spec: RunSpec): DistantRun;
  /** Ends all runs and the process. */
  close(): Promise<void>;
}

interface Live {
  readonly onPrepared: (was: boolean) => void;
  readonly onEnded: (end: RunEnd) => void;
  look: Omit<RunLook, 'runId'>;
}

/** Memory of a young generation: it stays small for the same reason as the process itself. */
const NODE_FLAGS = ['--max-semi-space-size=2'];
const CLOSE_WITHIN_MS = 10_000;
const NOT_LOOKED_AT = { cpuMs: 0, mbMs: 0, progress: undefined, tail: undefined } as const;

/** @throws Error when the process cannot be started */
export async function openRunner(log: Log): Promise<RunnerClient> {
  const live = new Map<string, Live>();
  let isClosed = false;
  let child = startProcess();
  const containment = await new Promise<Containment>((resolve, reject) => {
    child.once('message', (message: FromRunner) => message.type === 'ready' && resolve(message.containment));
    child.once('exit', (code) => reject(new Error(`the process for runs ended with ${code} before it was ready`)));
    child.once('error', reject);
  });

  function startProcess(): ChildProcess {
    // A group of its own: what a terminal tells the agent, the agent tells it.
    const started = fork(fileBeside(import.meta, 'runner-process'), [], {
      execArgv: NODE_FLAGS,
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      detached: true,
    });
    started.on('message', hear);
    started.on('error', (cause) => {
      log.error({ cause }, 'the process for runs had an error');
      if (started.pid === undefined) loseAll();
    });
    // Not at its exit: what it said before may still be on its way.
    started.on('disconnect', () => {
      if (!isClosed) log.error({ code: started.exitCode }, 'the process for runs ended; its runs are lost');
      loseAll();
    });
    return started;
  }

  function loseAll(): void {
    for (const runId of [...live.keys()]) {
      killMarked(runId, undefined);
      end(runId, endWithout('lost', 'the process that ran it ended'));
    }
  }

  function hear(message: FromRunner): void {
    if (message.type === 'prepared') live.get(message.runId)?.onPrepared(true);
    else if (message.type === 'refused') end(message.runId, endWithout('failed', message.detail));
    else if (message.type === 'ended') end(message.runId, message.end);
    else if (message.type === 'looked') {
      for (const { runId, ...look } of message.runs) {
        const one = live.get(runId);
        if (one !== undefined) one.look = look;
      }
    }
  }

  function end(runId: string, how: RunEnd): void {
    const one = live.get(runId);
    live.delete(runId);
    one?.onPrepared(false);
    one?.onEnded(how);
  }

  function tell(message: ToRunner): void {
    if (!child.connected) return;
    child.send(message, (cause) => {
      if (cause !== null) log.warn({ cause }, 'the process for runs was not reached');
    });
  }

  return {
    containment,
    prepare(spec) {
      if (!isClosed && !child.connected) child = startProcess();
      const { promise: prepared, resolve: onPrepared } = Promise.withResolvers<boolean>();
      const { promise: ended, resolve: onEnded } = Promise.withResolvers<RunEnd>();
      const one: Live = { onPrepared, onEnded, look: NOT_LOOKED_AT };
      live.set(spec.runId, one);
      if (isClosed) end(spec.runId, endWithout('lost', 'its node ended'));
      else tell({ type: 'prepare', spec });
      return {
        start: () => tell({ type: 'start', runId: spec.runId }),
        prepared,
        ended,
        look: () => one.look,
        stop: (outcome, detail) => tell({ type: 'stop', runId: spec.runId, outcome, detail }),
      };
    },
    async close() {
      isClosed = true;
      if (!child.connected) return;
      const gone = once(child, 'disconnect');
      tell({ type: 'close' });
      const late = setTimeout(() => child.kill('SIGKILL'), CLOSE_WITHIN_MS);
      await gone;
      clearTimeout(late);
    },
  };
}
