/** What of a definition is pinned, and how a change of it is told. Pure. */
import { digest } from '../../shared/json/canonical.ts';
import { parseOctets } from '../../shared/json/octets.ts';
import type { Item } from '../catalog/definitions.ts';

/** What hosts show beside a tool, not what a model or a validator reads; servers put times and counts in it. */
const LEFT_OUT: ReadonlySet<string> = new Set(['_meta', 'icons']);

export interface Pinned {
  /** SHA-256 of what counts (RFC 8785): name, title, description, both schemas, annotations, and what we do not know. */
  readonly digest: string;
  readonly value: Readonly<Record<string, unknown>>;
}

export function pinnedOf({ octets, digest: whole }: Item): Pinned {
  const value = Object.fromEntries(
    Object.entries(parseOctets(octets) as Record<string, unknown>).filter(([key]) => !LEFT_OUT.has(key)),
  );
  try {
    return { digest: digest(value), value };
  } catch {
    return { digest: whole, value };
  }
}

const MAX_LINES = 100;
const MAX_LINE = 2_000;

/** One line for each text or number that is another than before: its place, what it was, what it is. */
export function differences(before: unknown, after: unknown): string[] {
  const [was, is] = [leavesOf(before), leavesOf(after)];
  const lines: string[] = [];
  for (const place of new Set([...was.keys(), ...is.keys()])) {
    const [a, b] = [was.get(place), is.get(place)];
    if (a === b) continue;
    const line =
      a === undefined ? `+ ${place}: ${b}` : b === undefined ? `- ${place}: ${a}` : `~ ${place}: ${a} -> ${b}`;
    lines.push(line.length > MAX_LINE ? `${line.slice(0, MAX_LINE)}… (${line.length} characters)` : line);
  }
  if (lines.length <= MAX_LINES) return lines;
  return [...lines.slice(0, MAX_LINES), `… and ${lines.length - MAX_LINES} more`];
}

function leavesOf(value: unknown, place = '', leaves = new Map<string, string>()): Map<string, string> {
  if (typeof value === 'object' && value !== null && Object.keys(value).length > 0) {
    for (const [key, each] of Object.entries(value)) {
      leavesOf(each, place === '' ? shown(key) : `${place}.${shown(key)}`, leaves);
    }
  } else if (value !== undefined) leaves.set(place, shown(JSON.stringify(value)));
  return leaves;
}

/** Nothing in a difference is invisible, or means something to a terminal. */
export function shown(text: string): string {
  return text.replace(/\p{C}|\p{Zl}|\p{Zp}|\p{Variation_Selector}|[\u3164\u115F\u1160\u2800]/gu, (character) => {
    const code = character.codePointAt(0)!.toString(16).padStart(4, '0');
    return `<U+${code.toUpperCase()}>`;
  });
}
