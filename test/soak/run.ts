/**
 * `npm run soak` shows the figures D1 to D15 with their gates in one table; `npm run soak -- D3 D8` some of them; `--scale 0.01` with
 * less of everything. `npm run soak -- PART [options of the part]` runs one trial as it is. Exit 1 when a gate is missed.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import os from 'node:os';
import path from 'node:path';
import { FIGURES, type Gate, type Trial } from './figures.ts';

/** Of servers rather than of the router. */
const OTHERS = ['ledger', 'broadcast'];
/** Needs packages that the project does not have. */
const ON_REQUEST = ['onnx'];

const trials = Object.values(FIGURES).flatMap((figure) => figure.trials);
const parts = [...new Set(trials.map(({ file }) => path.basename(file, '.ts')).filter((name) => name !== 'tests'))];
const known = [...parts, ...OTHERS, ...ON_REQUEST];

/** The value at a path; of a list its length. NaN when there is none. */
function valueAt(report: unknown, place: string): number {
  let value = report;
  for (const key of place.split('.'))
    value = typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined;
  return Array.isArray(value) ? value.length : typeof value === 'number' ? value : Number.NaN;
}

function holds({ most = Number.POSITIVE_INFINITY, least = Number.NEGATIVE_INFINITY }: Gate, value: number): boolean {
  return value <= most && value >= least;
}

function fileOf(name: string): string {
  return path.join(import.meta.dirname, name);
}

/** @returns its report, with its exit code as `exit` */
async function run({ file, options = {}, args = [] }: Trial, scale: number): Promise<unknown> {
  const scaled = Object.entries(options).flatMap(([name, number]) => [
    `--${name}`,
    String(Math.max(1, Math.ceil(number * scale))),
  ]);
  const child = spawn(process.execPath, [fileOf(file), ...scaled, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (piece: string) => {
    text += piece;
  });
  const [exit] = (await once(child, 'close')) as [number | null];
  const last = text.trimEnd().split('\n').at(-1) ?? '';
  try {
    return { ...(JSON.parse(last) as object), exit: exit ?? -1 };
  } catch {
    return { exit: exit ?? -1 };
  }
}

async function show(ids: readonly string[], scale: number): Promise<void> {
  let missed = 0;
  const { model } = os.cpus()[0] ?? { model: 'unknown' };
  console.log(`${os.availableParallelism()} cores (${model}), Node ${process.version}, scale ${scale}`);
  for (const id of ids) {
    const { what, trials: shown } = FIGURES[id]!;
    console.log(`\n${id}  ${what}`);
    for (const trial of shown) {
      const report = await run(trial, scale);
      for (const gate of trial.gates) {
        const value = valueAt(report, gate.path);
        const isHeld = holds(gate, value);
        if (!isHeld) missed++;
        const limit = gate.most === undefined ? `>= ${gate.least}` : `<= ${gate.most}`;
        const figure = Number.isNaN(value) ? 'no figure' : String(Math.round(value * 100) / 100);
        console.log(`     ${isHeld ? 'ok    ' : 'MISSED'}  ${gate.what.padEnd(52)} ${figure.padStart(10)}   ${limit}`);
      }
    }
    console.log(`     load of the machine: ${os.loadavg()[0]!.toFixed(1)}`);
  }
  console.log(missed === 0 ? '\nAll gates hold.' : `\n${missed} gates are missed.`);
  process.exitCode = missed === 0 ? 0 : 1;
}

async function runPart(name: string, options: readonly string[]): Promise<void> {
  const file = trials.find((trial) => path.basename(trial.file, '.ts') === name)?.file ?? `${name}.ts`;
  const child = spawn(process.execPath, [fileOf(file), ...options], { stdio: 'inherit' });
  const [code] = (await once(child, 'exit')) as [number | null];
  process.exitCode = code ?? 1;
}

const [first = '', ...rest] = process.argv.slice(2);
if (known.includes(first)) await runPart(first, rest);
else {
  const args = process.argv.slice(2);
  const at = args.indexOf('--scale');
  const scale = at < 0 ? 1 : Number(args.splice(at, 2)[1]);
  const unknown = args.find((id) => !Object.hasOwn(FIGURES, id));
  if (unknown !== undefined || !(scale > 0)) {
    console.error(
      `There is no part or figure ${unknown ?? `--scale ${scale}`}. Figures: ${Object.keys(FIGURES).join(', ')}. Parts: ${known.join(', ')}.`,
    );
    process.exit(2);
  }
  await show(args.length > 0 ? args : Object.keys(FIGURES), scale);
}
