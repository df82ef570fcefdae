import fs from 'node:fs';
import path from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { type Forge, openForge } from '../../../../servers/fog/forge/open.ts';
import { openSafetensors } from '../../../../servers/fog/forge/safetensors.ts';
import type { Training } from '../../../../servers/fog/forge/training.ts';
import { openFogStore } from '../../../../servers/fog/store/open.ts';
import { AppError } from '../../../../shared/errors.ts';
import { PHASES, type Phase, readForgeRules } from '../../../../shared/forge-rules.ts';
import { createWatches } from '../../../../shared/watches.ts';
import { silent } from '../../../fixtures/fog/economy.ts';
import { newFolder } from '../../../fixtures/fog/money.ts';
import { floats, writeModel, writeRaw } from '../../../fixtures/fog/tensors.ts';

/** A program of the configuration, as a script of Node.js. */
function script(folder: string, name: string, text: string): { command: string; args: string[] } {
  const file = path.join(folder, `${name}.mjs`);
  fs.writeFileSync(file, text);
  return { command: 'node', args: [file] };
}

const COPY = `import fs from 'node:fs';
console.log('progress 0.5 half');
const { tag = 'x' } = JSON.parse(fs.readFileSync('parameters.json', 'utf8'));
fs.copyFileSync('model.safetensors', 'out/model.safetensors');
fs.writeFileSync('out/notes.txt', tag + ' ' + Object.keys(process.env).sort().join());
console.log('trained');`;
const STAND_STILL = 'console.log("progress 0.25 stands"); setInterval(() => {}, 1000);';

interface TestForge extends Forge {
  readonly folder: string;
  readonly dataDir: string;
  section: object;
  start(phase: Phase, parameters?: object, until?: Phase, owner?: string): Training;
  ended(taskId: string): Promise<Training>;
}

async function open(section: (folder: string) => object = () => ({}), given?: string): Promise<TestForge> {
  const folder = given ?? newFolder();
  const dataDir = path.join(folder, 'data');
  fs.mkdirSync(path.join(folder, 'models'), { recursive: true });
  const store = await openFogStore(dataDir);
  const watches = createWatches(store, (error) => {
    throw error;
  });
  let ids = 0;
  const state = { section: { models: ['models'], ...section(folder) } };
  const forge = openForge(
    { store, watches, nowMs: Date.now, newId: () => `${process.hrtime.bigint()}${++ids}` },
    {
      settings: { rules: () => readForgeRules(state.section, folder), endpoint: undefined },
      dataDir,
      log: silent,
      retryAfterMs: [5, 10, 20],
    },
  );
  onTestFinished(async () => {
    await forge.close();
    watches.close();
    await store.close();
    fs.rmSync(folder, { recursive: true, force: true });
  });
  const { trainings, trainer } = forge.deps;
  return Object.assign(state, forge, {
    folder,
    dataDir,
    start(phase: Phase, parameters: object = {}, until: Phase = phase, owner = 'magi') {
      const training = trainings.start({ owner, phase, parameters: { ...parameters }, until });
      trainer.look();
      return training;
    },
    async ended(taskId: string) {
      await expect.poll(() => trainings.get(undefined, taskId).endedAt, { interval: 20 }).not.toBeNull();
      return trainings.get(undefined, taskId);
    },
  });
}

function model(forge: TestForge, name: string, values: readonly number[]): string {
  writeModel(path.join(forge.folder, 'models', `${name}.safetensors`), [
    floats('w', 'F32', [1, values.length], values),
  ]);
  return name;
}

it('[J1] [J3] takes a model through a phase: artefacts under their digests, a manifest, a report', async () => {
  const forge = await open();
  const { taskId, status } = forge.start('BitNet', { model: model(forge, 'a', [1, -1, 0.1, 3]) });
  expect(status).toBe('queued');
  const done = await forge.ended(taskId);
  expect(done).toMatchObject({ status: 'succeeded', progress: 1, attempt: 1, nextTaskId: null });
  const [artefact] = done.artefacts;
  const file = forge.deps.models.locate(`sha256:${artefact!.sha256}`, 'magi');
  const opened = openSafetensors(file);
  expect([...opened.tensors.keys()].sort()).toEqual(['w', 'w.scale']);
  opened.close();
  const { createHash } = await import('node:crypto');
  expect(createHash('sha256').update(fs.readFileSync(file)).digest('hex')).toBe(artefact!.sha256);
  const manifest = path.join(forge.dataDir, 'forge/objects', done.manifest.slice(0, 2), done.manifest);
  expect(JSON.parse(fs.readFileSync(manifest, 'utf8'))).toMatchObject({
    task_id: taskId,
    phase_name: 'BitNet',
    artefacts: [{ name: 'ternary.safetensors', sha256: artefact!.sha256 }],
    report: { tensors: 1, relativeError: expect.any(Number) },
  });
  expect(fs.readdirSync(path.join(forge.dataDir, 'forge/work'))).toEqual([]);
  expect(() => forge.deps.models.locate(`sha256:${artefact!.sha256}`, 'oracle')).toThrow(/Unknown artefact/);
});

it('[J1] goes on with the next phase on success, with what this one made, up to the last one asked for', async () => {
  const forge = await open((folder) => ({
    phases: {
      'Forge Training': script(folder, 'train', COPY),
      'Tool/Persona': script(folder, 'persona', COPY),
      ADAS: script(folder, 'adas', COPY),
    },
  }));
  model(forge, 'a', [1, -1, 0.1, 3]);
  const first = forge.start('Forge Training', { model: 'a', tag: 'secret-free' }, 'Final Compression');
  const seen: Phase[] = [];
  let task: Training = await forge.ended(first.taskId);
  for (;;) {
    seen.push(task.phase);
    expect(task).toMatchObject({ status: 'succeeded', pipelineId: first.taskId });
    if (task.nextTaskId === null) break;
    task = await forge.ended(task.nextTaskId);
  }
  expect(seen).toEqual(['Forge Training', 'Tool/Persona', 'ADAS', 'Final Compression']);
  expect(task.artefacts.map(({ name }) => name)).toEqual(['int8.safetensors', 'int8.safetensors.gz']);
  const notes = forge.deps.trainings.get(undefined, first.taskId).artefacts.find(({ name }) => name === 'notes.txt');
  const text = fs.readFileSync(forge.deps.models.locate(`sha256:${notes!.sha256}`, 'magi'), 'utf8');
  expect(text).toBe('secret-free HOME,LANG,PATH,TMPDIR');
});

it.each(PHASES.filter((phase) => !['BitNet', 'Final Compression'].includes(phase)))(
  '[J1] %s without its command says "not configured", and never "done"',
  async (phase) => {
    const forge = await open();
    const two = { models: [model(forge, 'a', [1]), model(forge, 'b', [2])] };
    const { taskId, status, message } = forge.start(phase, phase === 'EvoMerge' ? two : {});
    expect(status).toBe('not_configured');
    expect(message).toMatch(phase === 'EvoMerge' ? /"scoring"/ : /forge\.phases/);
    expect(await forge.ended(taskId)).toMatchObject({
      status: 'not_configured',
      progress: 0,
      artefacts: [],
      attempt: 0,
    });
  },
);

it('[J1] a pipeline ends honestly at a phase that is not configured', async () => {
  const forge = await open((folder) => ({ scoring: { even: script(folder, 'even', 'console.log(1)') } }));
  const models = [model(forge, 'a', [1]), model(forge, 'b', [2])];
  const { taskId } = forge.start('EvoMerge', { models, scoring: 'even', generations: 1, population: 2 }, 'BitNet');
  const merged = await forge.ended(taskId);
  expect(merged.status).toBe('succeeded');
  expect(await forge.ended(merged.nextTaskId!)).toMatchObject({
    phase: 'Quiet-STaR',
    status: 'not_configured',
    nextTaskId: null,
  });
});

it('[J1] [J3] EvoMerge searches by the scoring command of the configuration', async () => {
  const SCORE = `import fs from 'node:fs';
const bytes = fs.readFileSync(process.argv[2]);
const start = 8 + Number(bytes.readBigUInt64LE(0));
console.log('scored');
console.log(-Math.abs(bytes.readFloatLE(start) - 1.25));`;
  const forge = await open((folder) => ({ scoring: { near: script(folder, 'near', SCORE) } }));
  const models = [model(forge, 'a', [1]), model(forge, 'b', [2])];
  const { taskId } = forge.start('EvoMerge', { models, scoring: 'near', generations: 4, population: 4, seed: 3 });
  const { report, status } = await forge.ended(taskId);
  expect(status).toBe('succeeded');
  const { weights, bestScore, scoresAlone } = report as { weights: number[]; bestScore: number; scoresAlone: number[] };
  expect(scoresAlone).toEqual([-0.25, -0.75]);
  expect(bestScore).toBeGreaterThan(-0.2);
  expect(-Math.abs(weights[0]! + 2 * weights[1]! - 1.25)).toBeCloseTo(bestScore, 6);
});

it('[J1] tries a failed phase again three times with growing waits, and then says failed', async () => {
  const forge = await open((folder) => ({
    phases: {
      Cognate: script(
        folder,
        'twice',
        `import fs from 'node:fs';
        const file = ${JSON.stringify(path.join(folder, 'count'))};
        const tries = fs.existsSync(file) ? Number(fs.readFileSync(file, 'utf8')) + 1 : 1;
        fs.writeFileSync(file, String(tries));
        if (tries < 3) process.exit(1);
        fs.writeFileSync('out/m.safetensors', 'x');`,
      ),
      ADAS: script(folder, 'never', 'process.exit(3)'),
    },
  }));
  expect(await forge.ended(forge.start('Cognate').taskId)).toMatchObject({ status: 'succeeded', attempt: 3 });
  expect(await forge.ended(forge.start('ADAS').taskId)).toMatchObject({
    status: 'failed',
    attempt: 4,
    message: expect.stringMatching(/ended with 3/),
    artefacts: [],
  });
});

it('[J1] runs three at once and no more, and ends what is stopped with all its children', async () => {
  const CHILD = `import { spawn } from 'node:child_process';
    import fs from 'node:fs';
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
    fs.writeFileSync('pids', process.pid + ' ' + child.pid);
    ${STAND_STILL}`;
  const forge = await open((folder) => ({ phases: { Cognate: script(folder, 'still', CHILD) } }));
  const { trainings } = forge.deps;
  const ids = Array.from({ length: 5 }, () => forge.start('Cognate').taskId);
  const statuses = () => ids.map((id) => trainings.get(undefined, id).status);
  await expect
    .poll(() => ids.map((id) => trainings.get(undefined, id).progress).sort())
    .toEqual([0, 0, 0.25, 0.25, 0.25]);
  expect(statuses().toSorted()).toEqual(['queued', 'queued', 'running', 'running', 'running']);
  const first = ids.find((id) => trainings.get(undefined, id).status === 'running')!;
  const pids = fs
    .readFileSync(path.join(forge.dataDir, 'forge/work', `${first}.1`, 'pids'), 'utf8')
    .split(' ')
    .map(Number);
  expect(pids.every(isAlive)).toBe(true);
  expect(trainings.stop('magi', first).status).toBe('stopped');
  await expect.poll(() => pids.some(isAlive)).toBe(false);
  await expect.poll(() => statuses().filter((status) => status === 'running')).toHaveLength(3);
  expect(() => trainings.stop('magi', first)).toThrow(/is stopped/);
  expect(() => trainings.stop('oracle', ids[1]!)).toThrow(/Unknown training/);
  for (const id of ids) if (trainings.get(undefined, id).endedAt === null) trainings.stop('magi', id);
});

function isAlive(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) Z/s.test(fs.readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

it('[J1] a phase that is out of time is ended', async () => {
  const forge = await open((folder) => ({
    phases: { Cognate: { ...script(folder, 'slow', STAND_STILL), timeout_minutes: 0.005 } },
  }));
  expect(await forge.ended(forge.start('Cognate').taskId)).toMatchObject({
    status: 'failed',
    message: expect.stringMatching(/timeout_minutes/),
  });
});

it('[J1] a task whose process died is taken up by another one', async () => {
  const forge = await open((folder) => ({ phases: { ADAS: script(folder, 'copy', COPY) } }));
  const { store, trainings, trainer } = forge.deps;
  const { taskId } = forge.deps.trainings.start({
    owner: 'magi',
    phase: 'ADAS',
    parameters: { model: model(forge, 'a', [1]) },
    until: 'ADAS',
  });
  const lost = trainings.claim('a process that is gone')!;
  expect(lost.taskId).toBe(taskId);
  expect(trainings.claim('another')).toBeUndefined();
  store.run(
    store.db
      .updateTable('trainings')
      .set({ heartbeat_at: Date.now() - 60_000 })
      .where('task_id', '=', taskId),
  );
  trainer.look();
  expect(await forge.ended(taskId)).toMatchObject({ status: 'succeeded', attempt: 2 });
  // The one that was given up changes nothing any more.
  expect(trainings.heartbeat(lost)).toBe(false);
  trainings.fail(lost, 'late', true);
  expect(trainings.get('magi', taskId).status).toBe('succeeded');
});

it('[J3] refuses hostile models and path tricks, moves nothing, and does not try again', async () => {
  const forge = await open();
  const { models, trainings } = forge.deps;
  writeRaw(
    path.join(forge.folder, 'models', 'bad.safetensors'),
    '{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,9]}}',
    4,
  );
  fs.writeFileSync(path.join(forge.folder, 'secret.safetensors'), 'x');
  fs.symlinkSync(path.join(forge.folder, 'secret.safetensors'), path.join(forge.folder, 'models', 'link.safetensors'));
  const failed = await forge.ended(forge.start('BitNet', { model: 'bad' }).taskId);
  expect(failed).toMatchObject({
    status: 'failed',
    attempt: 1,
    message: expect.stringMatching(/shape and dtype make 4/),
  });
  for (const name of ['link', '../secret', '/etc/passwd', 'a/b', '..', '', 'x\0y', 'sha256:../../x', 'sha256:zz']) {
    expect(() => models.locate(name, 'magi'), name).toThrow(AppError);
  }
  expect(() => trainings.start({ owner: 'magi', phase: 'BitNet', parameters: {}, until: 'BitNet' })).toThrow(
    /parameters/,
  );
  expect(() => trainings.start({ owner: 'magi', phase: 'ADAS', parameters: {}, until: 'BitNet' })).toThrow(
    /comes before/,
  );
  const huge = { model: 'a', x: 'y'.repeat(70_000) };
  expect(() => trainings.start({ owner: 'magi', phase: 'BitNet', parameters: huge, until: 'BitNet' })).toThrow(
    /65536 bytes/,
  );
  expect(models.list(undefined, 10).map(({ model: name }) => name)).toEqual(['bad.safetensors']);
});
