/** Puts a whole twin into files that a spreadsheet or a program opens (T7). Leaves nothing out but keys. */
import { confidenceOfFact } from './store/facts.ts';
import type { Twin } from './twin.ts';

export const SECTIONS = ['facts', 'events', 'patterns', 'consents', 'elevations', 'spendings'] as const;
export type Section = (typeof SECTIONS)[number];

type Cell = string | number | boolean | null;
export type Row = Readonly<Record<string, Cell>>;

const PAGE = 1_000;

/** All rows of a section, in the order in which they came; times as ISO 8601, the key of the index left out. */
export function rowsOf(twin: Twin, section: Section): Row[] {
  switch (section) {
    case 'facts':
      return pages(
        (key) => twin.facts.after(key, PAGE),
        ({ key }) => key,
      ).map((fact) => ({
        fact_id: fact.fact_id,
        kind: fact.kind,
        domain: fact.domain,
        topic: fact.topic,
        content: fact.content,
        source: fact.source,
        confidence: confidenceOfFact(fact),
        hits: fact.hits,
        misses: fact.misses,
        squared_errors: fact.squared,
        created_at: iso(fact.created_at),
        used_at: iso(fact.used_at),
      }));
    case 'events':
      return pages(
        (id) => twin.events.after(id, PAGE),
        ({ id }) => id,
      ).map(({ topic, note, at, stored_at }) => ({
        topic,
        note,
        at: iso(at),
        stored_at: iso(stored_at),
      }));
    case 'patterns':
      return twin.patterns().map(({ topic, rhythm, checks, held, brier, confidence, next }) => ({
        topic,
        rhythm: rhythm.kind,
        weekday: rhythm.kind === 'weekly' ? rhythm.weekday : null,
        after: rhythm.kind === 'after' ? rhythm.topic : null,
        checks,
        held,
        brier,
        confidence,
        next_forecast: next?.forecast ?? null,
      }));
    case 'consents':
      return twin.consents
        .history()
        .map(({ purpose, granted, at }) => ({ purpose, granted: granted === 1, at: iso(at) }));
    case 'elevations':
      return twin.elevations.list().map(({ at, ...elevation }) => ({ ...elevation, at: iso(at) }));
    case 'spendings':
      return twin.elevations.spendings().map(({ pattern, epsilon, at }) => ({ pattern, epsilon, at: iso(at) }));
  }
}

function pages<T>(after: (key: number) => T[], keyOf: (row: T) => number): T[] {
  const rows: T[] = [];
  for (let page = after(0); page.length > 0; page = after(keyOf(page.at(-1)!))) rows.push(...page);
  return rows;
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}

export type Format = 'csv' | 'tsv' | 'json';

/** Excel takes a file for UTF-8 only with this before it. */
const BYTE_ORDER_MARK = '\uFEFF';

export function print(rows: readonly Row[], format: Format): string {
  if (format === 'json') return JSON.stringify(rows, undefined, 1);
  const separator = format === 'csv' ? ',' : '\t';
  const names = Object.keys(rows[0] ?? {});
  const lines = [names, ...rows.map((row) => names.map((name) => row[name] ?? null))];
  return BYTE_ORDER_MARK + lines.map((cells) => `${cells.map(quoted).join(separator)}\r\n`).join('');
}

/** RFC 4180. A text that a spreadsheet would take for a formula is made plain by an apostrophe (OWASP, "CSV Injection"). */
function quoted(cell: Cell): string {
  if (cell === null) return '';
  if (typeof cell !== 'string') return String(cell);
  const guarded = /^[\s'"]*[=+\-@|%＝＋－＠]|^[\t\r\n]/u.test(cell) ? `'${cell}` : cell;
  return `"${guarded.replaceAll('"', '""')}"`;
}
