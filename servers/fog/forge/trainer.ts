/**
 * Works through the trainings in this process: takes what is due, runs it in a folder of its own, stores what it made with a
 * manifest. A process that dies loses its tasks to whoever looks next.
 */
import fs from 'node:fs';
import path from 'node:path';
import { AppError } from '../../../shared/errors.ts';
import type { Log } from '../../../shared/log.ts';
import type { ObjectStore } from './object-store.ts';
import { PhaseError, type RunPhase } from './run-phase.ts';
import type { Artefact, Training } from './training.ts';
import { type Claim, MAX_RUNNING, type Trainings } from './trainings.ts';

export interface Trainer {
  /** Looks for what is due now, instead of at the next look. */
  look(): void;
  /** Ends what runs here; it is taken up again later, by this process or another. */
  close(): Promise<void>;
}

interface TrainerDeps {
  readonly trainings: Trainings;
  readonly runPhase: RunPhase;
  readonly objects: ObjectStore;
  /** For the folders of runs. */
  readonly workFolder: string;
  /** Who this process is, unlike any other. */
  readonly worker: string;
  readonly nowMs: () => number;
  readonly log: Log;
}

const LOOK_EVERY_MS = 250;
/** So often a task is held and looked at: a stop takes effect within this time. */
const BEAT_EVERY_MS = 500;

export function startTrainer(deps: TrainerDeps): Trainer {
  const { trainings, runPhase, objects, workFolder, worker, nowMs, log } = deps;
  const running = new Map<string, { readonly stop: AbortController; readonly ended: Promise<void> }>();
  let isClosed = false;

  async function store(training: Training, folder: readonly { name: string; file: string }[], report: object) {
    const artefacts: Artefact[] = [];
    for (const { name, file } of folder) artefacts.push({ name, ...(await objects.add(file)) });
    const manifest = await objects.addText(
      JSON.stringify({
        task_id: training.taskId,
        pipeline_id: training.pipelineId,
        phase_name: training.phase,
        owner: training.owner,
        parameters: training.parameters,
        artefacts,
        report,
        made_at: new Date(nowMs()).toISOString(),
      }),
    );
    return { artefacts, manifest, report };
  }

  /** For what nobody waits for: a file that is busy now is written at the next beat. */
  function quietly({ taskId }: Claim, write: () => void): void {
    try {
      write();
    } catch (cause) {
      log.warn({ cause, task: taskId }, 'how a training goes could not be written down; it is tried again');
    }
  }

  async function work(claim: Claim & Training, stop: AbortController): Promise<void> {
    const beat = setInterval(() => {
      quietly(claim, () => {
        if (!trainings.heartbeat(claim)) stop.abort(new AppError('CONFLICT', { text: 'The training was stopped' }));
      });
    }, BEAT_EVERY_MS);
    const folder = path.join(workFolder, `${claim.taskId}.${claim.attempt}`);
    try {
      fs.rmSync(folder, { recursive: true, force: true });
      fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
      const { artefacts, report } = await runPhase({
        phase: claim.phase,
        parameters: claim.parameters,
        owner: claim.owner,
        folder,
        signal: stop.signal,
        onProgress: (share, message) => quietly(claim, () => trainings.progress(claim, share, message)),
      });
      trainings.succeed(claim, await store(claim, artefacts, report));
    } catch (error) {
      fail(claim, error, stop.signal.aborted);
    } finally {
      clearInterval(beat);
      fs.rmSync(folder, { recursive: true, force: true });
    }
  }

  function fail(claim: Claim & Training, error: unknown, wasStopped: boolean): void {
    if (wasStopped) {
      // Stopped by its owner, this changes nothing; ended with this server, the task is taken up again.
      if (isClosed) trainings.fail(claim, 'the server ended while it ran', false);
      return;
    }
    const isTold = error instanceof AppError && error.kind !== 'INTERNAL';
    const text =
      error instanceof PhaseError || isTold ? error.message : 'a fault of this program; its log has the cause';
    const isFinal =
      (error instanceof PhaseError && error.isFinal) ||
      (isTold && (error.kind === 'INVALID_PARAMS' || error.kind === 'UNKNOWN_NAME'));
    const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
    log.warn({ task: claim.taskId, phase: claim.phase, attempt: claim.attempt, cause }, 'a training failed');
    trainings.fail(claim, text, isFinal);
  }

  function look(): void {
    if (isClosed) return;
    try {
      while (running.size < MAX_RUNNING) {
        const claim = trainings.claim(worker);
        if (claim === undefined) return;
        const stop = new AbortController();
        const ended = work(claim, stop)
          .catch((cause: unknown) => log.error({ cause, task: claim.taskId }, 'a training could not be recorded'))
          .finally(() => {
            running.delete(claim.taskId);
            look();
          });
        running.set(claim.taskId, { stop, ended });
      }
    } catch (cause) {
      log.error({ cause }, 'trainings could not be looked for; it is tried again');
    }
  }

  const timer = setInterval(look, LOOK_EVERY_MS);
  timer.unref();
  return {
    look,
    async close() {
      isClosed = true;
      clearInterval(timer);
      const all = [...running.values()];
      for (const { stop } of all) stop.abort(new AppError('CONFLICT', { text: 'The server ends' }));
      await Promise.all(all.map(({ ended }) => ended));
    },
  };
}
