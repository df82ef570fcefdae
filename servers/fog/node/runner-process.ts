/**
 * The process that runs a node's runs. To start a program the system copies the tables of all memory that the starting process
 * holds, so this one stays small: it imports no network, no signatures, no schemas. It does what its parent says and ends with it.
 */
import { AppError } from '../../../shared/errors.ts';
import { findContainment } from './containment.ts';
import { createRunner } from './runner.ts';
import type { FromRunner, ToRunner } from './runner-messages.ts';

/** Resolves when what was told last has left; what was told before it left before. */
let told: Promise<unknown> = Promise.resolve();

function tell(message: FromRunner): void {
  // What cannot be told needs no telling: `disconnect` ends everything.
  told = new Promise((resolve) => {
    if (process.send === undefined || !process.connected) resolve(undefined);
    else process.send(message, undefined, undefined, resolve);
  });
}

// The terminal's signals go to the whole group; the parent says when to end.
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => undefined);

const runner = createRunner({
  containment: await findContainment(),
  onLook: (runs) =>
    tell({
      type: 'looked',
      runs: runs.map((run) => ({
        runId: run.spec.runId,
        ...run.used(),
        progress: run.progress(),
        tail: run.spec.kind === 'shard' ? run.tail() : undefined,
      })),
    }),
});

function prepare({ spec }: ToRunner & { type: 'prepare' }): void {
  const { runId } = spec;
  try {
    const run = runner.prepare(spec);
    tell({ type: 'prepared', runId });
    void run.ended.then((end) => tell({ type: 'ended', runId, end }));
  } catch (error) {
    tell({ type: 'refused', runId, detail: error instanceof AppError ? error.message : 'the node could not start it' });
    if (!(error instanceof AppError)) process.stderr.write(`a run could not be started: ${String(error)}\n`);
  }
}

async function end(): Promise<void> {
  await runner.close();
  await told;
  // Then nothing keeps this process.
  if (process.connected) process.disconnect();
}

process.on('message', (message: ToRunner) => {
  if (message.type === 'prepare') return prepare(message);
  if (message.type === 'close') return void end();
  // One that ended meanwhile was told.
  const run = runner.runs().find(({ spec }) => spec.runId === message.runId);
  if (run === undefined) return;
  if (message.type === 'start') run.start();
  else run.stop(message.outcome, message.detail);
});
// The agent is gone, however it went: nobody may go on running what it started.
process.on('disconnect', () => void end().then(() => process.exit(0)));
if (!process.connected) process.exit(0);
tell({ type: 'ready', containment: runner.containment });
