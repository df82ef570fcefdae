/**
 * The trainings of the forge: one task for each phase of a pipeline, claimed by one process at a time, three at once over all
 * processes, tried again with growing waits, followed by the next phase. Runs no phase itself.
 */
import { AppError } from '../../../shared/errors.ts';
import { type ForgeRules, PHASES } from '../../../shared/forge-rules.ts';
import type { Queries } from '../../../shared/queries.ts';
import type { ForgeTables } from '../store/forge-tables.ts';
import type { StoredObject } from './object-store.ts';
import { checkParameters } from './parameters.ts';
import { whatIsNotConfigured } from './run-phase.ts';
import { type Artefact, createTrainingReader, type NewTraining, OPEN, type Training } from './training.ts';

/** A task in the hands of this process; every step names the attempt, so that one that was given up changes nothing. */
export interface Claim {
  readonly taskId: string;
  readonly attempt: number;
}

export interface Trainings {
  /** @throws AppError INVALID_PARAMS, RATE_LIMITED when too many wait already */
  start(training: NewTraining): Training;
  /** @param owner undefined: whoever's it is. @throws AppError UNKNOWN_NAME */
  get(owner: string | undefined, taskId: string): Training;
  list(filter: { owner?: string | undefined; limit: number }): Training[];
  /** @throws AppError CONFLICT when it has ended */
  stop(owner: string | undefined, taskId: string): Training;
  /** Takes the next task that is due, if fewer than three run. */
  claim(worker: string): (Claim & Training) | undefined;
  /** @returns false when the task is not this process's any more: stopped, or given up */
  heartbeat(claim: Claim): boolean;
  progress(claim: Claim, share: number, message: string): void;
  /** Stores what it made and queues the next phase. @returns false when the task is not this process's any more */
  succeed(claim: Claim, made: { artefacts: readonly Artefact[]; manifest: StoredObject; report: object }): boolean;
  /** @param isFinal it is not tried again */
  fail(claim: Claim, reason: string, isFinal: boolean): void;
  /** Another text as soon as this task changed. */
  stampOf(taskId: string): string;
}

export interface TrainingsDeps {
  readonly store: Queries<ForgeTables>;
  readonly rules: () => ForgeRules;
  readonly nowMs: () => number;
  readonly newId: () => string;
  /** Waits before the first, second and third retry. */
  readonly retryAfterMs?: readonly number[];
}

export const MAX_RUNNING = 3;
const MAX_WAITING = 1_000;
/** A process that says nothing for this long has lost its tasks. */
const SILENT_MS = 15_000;
const RETRY_AFTER_MS = [1_000, 5_000, 25_000];
const LONGEST_MESSAGE = 500;
const MOST_PARAMETER_BYTES = 65_536;

export function createTrainings(deps: TrainingsDeps): Trainings {
  const { store, rules, nowMs, newId, retryAfterMs = RETRY_AFTER_MS } = deps;
  const { db } = store;
  const rows = db.selectFrom('trainings').selectAll();
  const toTraining = createTrainingReader(store);

  function find(owner: string | undefined, taskId: string): ForgeTables['trainings'] {
    const row = store.first(rows.where('task_id', '=', taskId));
    if (row === undefined || (owner !== undefined && row.owner !== owner)) {
      throw new AppError('UNKNOWN_NAME', { text: `Unknown training: ${taskId}` });
    }
    return row;
  }

  /** What cannot run for want of configuration is written down as that, and never becomes anything else. */
  function add(training: NewTraining, pipelineId: string | undefined): string {
    const { owner, phase, parameters, until } = training;
    const taskId = `train_${newId()}`;
    const lacking = whatIsNotConfigured(phase, parameters, rules());
    const now = nowMs();
    store.run(
      db.insertInto('trainings').values({
        task_id: taskId,
        pipeline_id: pipelineId ?? taskId,
        phase_name: phase,
        owner,
        status: lacking === undefined ? 'queued' : 'not_configured',
        attempt: 0,
        parameters: JSON.stringify(parameters),
        until_phase: until,
        progress: 0,
        message: lacking ?? 'waits for its turn',
        report: '{}',
        manifest: '',
        next_task_id: null,
        worker: '',
        heartbeat_at: 0,
        due_at: now,
        created_at: now,
        updated_at: now,
        ended_at: lacking === undefined ? null : now,
      }),
    );
    return taskId;
  }

  type Change = Partial<Omit<ForgeTables['trainings'], 'task_id'>>;
  /** @returns whether the task was in this process's hands */
  function changeOwn({ taskId, attempt }: Claim, change: Change): boolean {
    const own = db
      .updateTable('trainings')
      .set({ ...change, updated_at: nowMs() })
      .where('task_id', '=', taskId)
      .where('attempt', '=', attempt)
      .where('status', '=', 'running');
    return store.run(own) === 1;
  }

  return {
    start: (training) =>
      store.transaction(() => {
        const { phase, until, parameters } = training;
        if (PHASES.indexOf(until) < PHASES.indexOf(phase)) {
          throw new AppError('INVALID_PARAMS', {
            text: `until: ${until} comes before ${phase}; name a phase at or behind it`,
          });
        }
        if (Buffer.byteLength(JSON.stringify(parameters)) > MOST_PARAMETER_BYTES) {
          throw new AppError('INVALID_PARAMS', {
            text: `parameters: expected at most ${MOST_PARAMETER_BYTES} bytes of JSON`,
          });
        }
        checkParameters(phase, parameters);
        const waiting = store.first(
          db
            .selectFrom('trainings')
            .select((e) => e.fn.countAll<number>().as('count'))
            .where('status', 'in', ['queued', 'waiting']),
        )!.count;
        if (waiting >= MAX_WAITING) {
          throw new AppError('RATE_LIMITED', {
            text: `${MAX_WAITING} trainings wait already; stop some, or come back later`,
          });
        }
        return toTraining(find(undefined, add(training, undefined)));
      }),
    get: (owner, taskId) => toTraining(find(owner, taskId)),
    list({ owner, limit }) {
      const query = owner === undefined ? rows : rows.where('owner', '=', owner);
      return store.all(query.orderBy('created_at', 'desc').orderBy('task_id').limit(limit)).map(toTraining);
    },
    stop: (owner, taskId) =>
      store.transaction(() => {
        const row = find(owner, taskId);
        if (row.ended_at !== null) {
          throw new AppError('CONFLICT', {
            text: `The training has ended: it is ${row.status}`,
            data: { status: row.status },
          });
        }
        const now = nowMs();
        store.run(
          db
            .updateTable('trainings')
            .set({ status: 'stopped', message: 'stopped', updated_at: now, ended_at: now })
            .where('task_id', '=', taskId),
        );
        return toTraining(find(owner, taskId));
      }),
    claim(worker) {
      // Most looks find nothing: those must not take the write lock.
      if (
        store.first(db.selectFrom('trainings').select('task_id').where('status', 'in', OPEN).limit(1)) === undefined
      ) {
        return undefined;
      }
      return store.transaction(() => {
        const now = nowMs();
        const running = store.all(rows.where('status', '=', 'running'));
        const lost = running.filter(({ heartbeat_at }) => heartbeat_at < now - SILENT_MS);
        if (running.length - lost.length >= MAX_RUNNING) return undefined;
        const next =
          store.first(
            rows
              .where('status', 'in', ['queued', 'waiting'])
              .where('due_at', '<=', now)
              .orderBy('due_at')
              .orderBy('created_at')
              .orderBy('task_id')
              .limit(1),
          ) ?? lost[0];
        if (next === undefined) return undefined;
        if (next.attempt > retryAfterMs.length) {
          const message = 'given up: the process that ran it ended each time';
          store.run(
            db
              .updateTable('trainings')
              .set({ status: 'failed', message, updated_at: now, ended_at: now })
              .where('task_id', '=', next.task_id),
          );
          return undefined;
        }
        const attempt = next.attempt + 1;
        store.run(
          db
            .updateTable('trainings')
            .set({
              status: 'running',
              attempt,
              worker,
              heartbeat_at: now,
              progress: 0,
              message: 'runs',
              updated_at: now,
            })
            .where('task_id', '=', next.task_id),
        );
        return toTraining(find(undefined, next.task_id));
      });
    },
    heartbeat: (claim) => changeOwn(claim, { heartbeat_at: nowMs() }),
    progress(claim, share, message) {
      const progress = Math.min(1, Math.max(0, share));
      changeOwn(claim, { progress, message: message.slice(0, LONGEST_MESSAGE).toWellFormed(), heartbeat_at: nowMs() });
    },
    succeed: (claim, { artefacts, manifest, report }) =>
      store.transaction(() => {
        const row = find(undefined, claim.taskId);
        const { phase, owner, until, parameters, pipelineId } = toTraining(row);
        const now = nowMs();
        const done = { status: 'succeeded', progress: 1, message: 'done', report: JSON.stringify(report) };
        if (!changeOwn(claim, { ...done, manifest: manifest.sha256, ended_at: now })) return false;
        for (const { name, sha256, bytes } of artefacts) {
          const artefact = { task_id: claim.taskId, name, sha256, bytes, owner, created_at: now };
          store.run(db.insertInto('artefacts').values(artefact));
        }
        const next = PHASES[PHASES.indexOf(phase) + 1];
        const [model] = artefacts;
        if (next === undefined || model === undefined || PHASES.indexOf(next) > PHASES.indexOf(until)) return true;
        const passedOn = { ...parameters, model: `sha256:${model.sha256}` };
        const nextTaskId = add({ owner, phase: next, until, parameters: passedOn }, pipelineId);
        store.run(db.updateTable('trainings').set({ next_task_id: nextTaskId }).where('task_id', '=', claim.taskId));
        return true;
      }),
    fail(claim, reason, isFinal) {
      const message = reason.slice(0, LONGEST_MESSAGE).toWellFormed();
      const now = nowMs();
      const wait = retryAfterMs[claim.attempt - 1];
      if (isFinal || wait === undefined) changeOwn(claim, { status: 'failed', message, ended_at: now });
      else changeOwn(claim, { status: 'waiting', message: `tried again: ${message}`, due_at: now + wait });
    },
    stampOf: (taskId) => {
      const row = store.first(rows.where('task_id', '=', taskId));
      return `${row?.updated_at}:${row?.status}:${row?.attempt}:${row?.progress}:${row?.message}:${row?.next_task_id}`;
    },
  };
}
