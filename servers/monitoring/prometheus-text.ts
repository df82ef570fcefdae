/** Reads Prometheus text, as far as the router writes it; bounded, and linear in time. https://prometheus.io/docs/instrumenting/exposition_formats/ */
import { AppError } from '../../shared/errors.ts';

export interface MetricSample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

const MAX_CHARACTERS = 8 * 1024 * 1024;
const MAX_SAMPLES = 50_000;
const LINE = /^([A-Za-z_:][\w:]*)(?:\{(.*)\})? ([^ ]+)(?: -?\d+)?$/;
const LABEL = /([A-Za-z_]\w*)="((?:[^"\\]|\\.)*)",?/y;

/** @throws AppError RESULT_TOO_LARGE, UPSTREAM_INVALID with the line that is none */
export function parsePrometheus(text: string): MetricSample[] {
  if (text.length > MAX_CHARACTERS) throw tooLarge(`${text.length} characters`, `${MAX_CHARACTERS}`);
  const samples: MetricSample[] = [];
  for (const [at, line] of text.split('\n').entries()) {
    if (line === '' || line.startsWith('#')) continue;
    const matched = LINE.exec(line);
    const labels = matched === null ? undefined : labelsOf(matched[2] ?? '');
    const value = numberOf(matched?.[3]);
    if (matched === null || labels === undefined || value === undefined)
      throw new AppError('UPSTREAM_INVALID', { text: `Line ${at + 1} of the metrics is no Prometheus text` });
    if (samples.length >= MAX_SAMPLES) throw tooLarge('more series', `${MAX_SAMPLES}`);
    samples.push({ name: matched[1]!, labels, value });
  }
  return samples;
}

function tooLarge(came: string, limit: string): AppError {
  return new AppError('RESULT_TOO_LARGE', { text: `The metrics have ${came}; at most ${limit} are read` });
}

function labelsOf(text: string): Record<string, string> | undefined {
  const labels: [string, string][] = [];
  LABEL.lastIndex = 0;
  while (LABEL.lastIndex < text.length) {
    const matched = LABEL.exec(text);
    if (matched === null) return undefined;
    labels.push([matched[1]!, matched[2]!.replace(/\\(.)/g, (_, c: string) => (c === 'n' ? '\n' : c))]);
  }
  return Object.fromEntries(labels);
}

function numberOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (text === '+Inf') return Number.POSITIVE_INFINITY;
  if (text === '-Inf') return Number.NEGATIVE_INFINITY;
  if (text === 'NaN' || text === 'Nan') return Number.NaN;
  const value = Number(text);
  return text.trim() === '' || Number.isNaN(value) ? undefined : value;
}
