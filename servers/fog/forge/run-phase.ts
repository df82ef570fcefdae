/**
 * Runs one phase of one training in a folder of its own: built-in ones in a thread, others by the command that the
 * configuration names. Says what it made; stores nothing.
 */
import fs from 'node:fs';
import path from 'node:path';
import { Worker } from 'node:worker_threads';
import { AppError } from '../../../shared/errors.ts';
import { fileBeside } from '../../../shared/file-beside.ts';
import { BUILT_IN_PHASES, type ForgeCommand, type ForgeRules, type Phase } from '../../../shared/forge-rules.ts';
import { filesIn, runCommand } from './command.ts';
import type { Models } from './models.ts';
import { commandParameters, evoMergeParameters, isQuantising, oneModelParameters, read } from './parameters.ts';
import type { FromWorker, ToWorker, WorkerTask } from './phase-worker.ts';

export interface PhaseRun {
  readonly phase: Phase;
  readonly parameters: Readonly<Record<string, unknown>>;
  /** Whose models it may use. */
  readonly owner: string;
  /** Of this run alone; empty. */
  readonly folder: string;
  readonly signal: AbortSignal;
  /** @param share 0 to 1 */
  readonly onProgress: (share: number, message: string) => void;
}

export interface PhaseResult {
  /** Names and full paths; the first one is the model that the next phase works on. */
  readonly artefacts: readonly { readonly name: string; readonly file: string }[];
  readonly report: object;
}

export type RunPhase = (run: PhaseRun) => Promise<PhaseResult>;

/** A phase that failed; `isFinal`: another try would end the same way. */
export class PhaseError extends Error {
  override readonly name = 'PhaseError';
  readonly isFinal: boolean;
  constructor(text: string, isFinal: boolean) {
    super(text);
    this.isFinal = isFinal;
  }
}

const MOST_ARTEFACTS = 1_000;
const WORKER = fileBeside(import.meta, 'phase-worker');

/** What is lacking before this phase can run; undefined when nothing is. */
export function whatIsNotConfigured(
  phase: Phase,
  parameters: Readonly<Record<string, unknown>>,
  rules: ForgeRules,
): string | undefined {
  if (!BUILT_IN_PHASES.includes(phase)) {
    return rules.phases.has(phase)
      ? undefined
      : `no command runs it: set forge.phases["${phase}"] in the configuration`;
  }
  if (phase !== 'EvoMerge') return undefined;
  const scoring = typeof parameters.scoring === 'string' ? parameters.scoring : undefined;
  if (scoring === undefined)
    return 'nothing scores the candidates: give the parameter "scoring", a name of forge.scoring';
  return rules.scoring.has(scoring) ? undefined : `forge.scoring has no "${scoring.slice(0, 64)}" in the configuration`;
}

/** @throws PhaseError, AppError of unknown models and malformed files, the signal's reason when it was stopped */
export function phaseRunner(models: Models, rules: () => ForgeRules): RunPhase {
  return async (run) => {
    const { phase, parameters, owner, folder } = run;
    if (phase === 'EvoMerge') {
      const { models: names, scoring, generations, population, seed } = read(evoMergeParameters, phase, parameters);
      const program = rules().scoring.get(scoring ?? '');
      if (program === undefined) throw new PhaseError('the scoring command is not configured any more', true);
      const target = path.join(folder, 'merged.safetensors');
      const task: WorkerTask = {
        phase,
        models: names.map((name) => models.locate(name, owner)),
        target,
        candidate: path.join(folder, 'candidate.safetensors'),
        generations,
        population,
        seed,
      };
      const report = await inThread(task, run, (file) => scoreOf(program, file, run));
      return { artefacts: [{ name: 'merged.safetensors', file: target }], report };
    }
    if (isQuantising(phase)) {
      const model = models.locate(read(oneModelParameters, phase, parameters).model, owner);
      if (phase === 'BitNet') {
        const target = path.join(folder, 'ternary.safetensors');
        return {
          report: await inThread({ phase, model, target }, run),
          artefacts: [{ name: 'ternary.safetensors', file: target }],
        };
      }
      const target = path.join(folder, 'int8.safetensors');
      const packed = `${target}.gz`;
      return {
        report: await inThread({ phase, model, target, packed }, run),
        artefacts: [
          { name: 'int8.safetensors', file: target },
          { name: 'int8.safetensors.gz', file: packed },
        ],
      };
    }
    return byCommand(run, models, rules());
  };
}

/** The last line that the scoring command prints is the score. */
async function scoreOf(program: ForgeCommand, file: string, { folder, signal }: PhaseRun): Promise<number> {
  const line = (await runCommand({ program, args: [file], cwd: folder, signal })).trim();
  const score = line === '' ? Number.NaN : Number(line);
  if (Number.isFinite(score)) return score;
  throw new AppError('CONFLICT', {
    text: 'The scoring command is to print a number in its last line, and printed none',
  });
}

/**
 * The command finds `parameters.json` and `model.safetensors` (when a model was given) in its folder, prints lines such as
 * `progress 0.5 what it does`, and leaves what it made in `out/`; a model for the next phase first by name.
 */
async function byCommand(run: PhaseRun, models: Models, rules: ForgeRules): Promise<PhaseResult> {
  const { phase, parameters, owner, folder, signal, onProgress } = run;
  const program = rules.phases.get(phase);
  if (program === undefined) throw new PhaseError('its command is not configured any more', true);
  const { model } = read(commandParameters, phase, parameters);
  if (model !== undefined) fs.copyFileSync(models.locate(model, owner), path.join(folder, 'model.safetensors'));
  fs.writeFileSync(path.join(folder, 'parameters.json'), JSON.stringify(parameters), { mode: 0o600 });
  const out = path.join(folder, 'out');
  fs.mkdirSync(out, { mode: 0o700 });
  const onLine = (line: string): void => {
    const [, share, message] = /^progress (0(?:\.\d{1,9})?|1(?:\.0{1,9})?)(?: (.{0,300}))?$/.exec(line) ?? [];
    if (share !== undefined) onProgress(Number(share), message ?? '');
  };
  const lastLine = await runCommand({ program, args: [], cwd: folder, signal, onLine });
  const isModel = (name: string): boolean => name.endsWith('.safetensors');
  const names = filesIn(out, MOST_ARTEFACTS).sort((a, b) => Number(isModel(b)) - Number(isModel(a)));
  if (names.length === 0) throw new PhaseError('its command ended with 0 and left nothing in out/', false);
  return { artefacts: names.map((name) => ({ name, file: path.join(out, name) })), report: { last_line: lastLine } };
}

function inThread(task: WorkerTask, run: PhaseRun, score?: (file: string) => Promise<number>): Promise<object> {
  const { signal, onProgress } = run;
  signal.throwIfAborted();
  const worker = new Worker(WORKER, { workerData: task });
  const { promise, resolve, reject } = Promise.withResolvers<object>();
  const stop = (): void => reject(signal.reason);
  signal.addEventListener('abort', stop, { once: true });
  worker.on('message', (message: FromWorker) => {
    if (message.kind === 'progress') onProgress(message.done / Math.max(1, message.total), message.message);
    else if (message.kind === 'done') resolve(message.report);
    else if (message.kind === 'failed') reject(new PhaseError(message.text, message.isFinal));
    else {
      const answer = (each: ToWorker): void => worker.postMessage(each);
      Promise.resolve(score?.(message.file) ?? Number.NaN).then(
        (value) => answer({ score: value }),
        (error: unknown) => answer({ error: error instanceof AppError ? error.message : 'the scoring command failed' }),
      );
    }
  });
  worker.once('error', (cause) => reject(new PhaseError(`its thread ended: ${cause.name}`, false)));
  worker.once('exit', (code) => reject(new PhaseError(`its thread ended with ${code}`, false)));
  return promise.finally(() => {
    signal.removeEventListener('abort', stop);
    return worker.terminate();
  });
}
