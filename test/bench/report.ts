/** Prints what was measured: a table for people, or one JSON object. */
import os from 'node:os';
import { errorsIn, type Figure, figuresOf, type Measurements } from './figures.ts';
import type { Cell } from './measure.ts';
import { median } from './median.ts';

export interface Circumstances {
  readonly quick: boolean;
  readonly only: string | undefined;
  /** The measured process had a core to itself. */
  readonly pinned: boolean;
  readonly loadAverageBefore: readonly number[];
  readonly seconds: number;
}

/** One object: machine, figures with their goals, all raw results. */
export function asJson(measurements: Measurements, circumstances: Circumstances): string {
  const { cells, ...rest } = measurements;
  return JSON.stringify({
    machine: machine(circumstances),
    ...circumstances,
    errors: errorsIn(cells),
    figures: figuresOf(measurements),
    cells,
    ...rest,
  });
}

export function asTable(measurements: Measurements, circumstances: Circumstances): string {
  const { cells } = measurements;
  const { cores, cpu, node, loadAverageBefore, loadAverageAfter } = machine(circumstances);
  const load = (values: readonly number[]) => values.map((value) => value.toFixed(1)).join(' ');
  const rows = [['figure', 'router', 'bare relay', 'compared', 'goal', 'met'], ...figuresOf(measurements).map(rowOf)];
  const errors = errorsIn(cells);
  return [
    `node ${node}, ${cores} x ${cpu}, load average ${load(loadAverageBefore)} before, ${load(loadAverageAfter)} after`,
    circumstances.pinned
      ? 'the measured process alone on one core, load and upstream on another'
      : 'nothing is pinned: the measured process shares its cores with load and upstream',
    '',
    ...aligned(rows),
    '',
    ...cells.map(noteOf),
    errors === 0 ? 'every reply was checked and right' : `${errors} replies WRONG OR LOST`,
    `${circumstances.seconds.toFixed(0)} s`,
  ].join('\n');
}

function rowOf({ name, value, unit, bare, judged, goal, met }: Figure): string[] {
  const comparison = bare === undefined ? '' : unit === 'ms' ? `${signed(judged)} ms` : `x ${judged.toFixed(2)}`;
  return [
    name,
    `${short(value)} ${unit}`,
    bare === undefined ? '' : `${short(bare)} ${unit}`,
    comparison,
    goal ?? '',
    met === undefined ? '' : met ? 'yes' : 'NO',
  ];
}

/** How far a cell is to be trusted: who else used the machine, and whether the measured process was what limited it. */
function noteOf({ name, router, bare }: Cell): string {
  const cores = (pick: 'targetCores' | 'foreignCores') =>
    [router, bare].map((results) => median(results.map((result) => result[pick])).toFixed(2)).join(' / ');
  return `${name}: cores used by router / bare relay ${cores('targetCores')}, by others meanwhile ${cores('foreignCores')}`;
}

function machine({ loadAverageBefore }: Circumstances) {
  const cpus = os.cpus();
  return {
    cores: cpus.length,
    cpu: cpus[0]?.model ?? 'unknown',
    node: process.version,
    loadAverageBefore,
    loadAverageAfter: os.loadavg(),
  };
}

function aligned(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows.map((row) =>
    row
      .map((text, i) => (i === 0 || i > 3 ? text.padEnd(widths[i]!) : text.padStart(widths[i]!)))
      .join('  ')
      .trimEnd(),
  );
}

function short(value: number): string {
  if (value >= 1_000) return value.toFixed(0);
  return value.toFixed(value >= 10 ? 1 : 2);
}

function signed(value: number): string {
  return `${value < 0 ? '' : '+'}${value.toFixed(2)}`;
}
