/**
 * The score of a call by the features of its arguments: 0 = nothing, 1 = certain. The same arguments after the same calls give the same score,
 * and it says why (S2). Knows nothing of tools, sessions or the audit.
 */
import { decodeOctets, type Octets } from '../../shared/json/octets.ts';
import { CHARACTER_FEATURES, FEATURES, WHOLE } from './features.ts';
import { type Kind, kindOf } from './kinds.ts';
import { Needles } from './needles.ts';

export interface Reason {
  readonly feature: string;
  readonly weight: number;
  /** The argument's place by its keys; absent where it is the request as a whole. Never a value. */
  readonly where?: string;
}

export interface Screening {
  readonly score: number;
  readonly reasons: readonly Reason[];
}

export const THRESHOLD = 0.8;
/** Beyond it, the first and the last part of a text are looked at. */
const MAX_TEXT = 32_768;
const MAX_STRINGS = 2_000;

const needles = new Needles(FEATURES.map(({ needs }) => needs));

const NOTHING: Screening = { score: 0, reasons: [] };
export interface ScreenOptions {
  /** Nothing is made of its arguments that runs or is parsed. */
  readonly isLiteral: boolean;
  readonly extra?: readonly Reason[];
}

/** @param octets the arguments as JSON, as they came */
export function screen(octets: Octets, { isLiteral, extra }: ScreenOptions): Screening {
  let found: Map<string, Reason> | undefined;
  const note: Note = (feature, weight, where) => {
    found ??= new Map();
    if (weight <= (found.get(feature)?.weight ?? 0)) return;
    const place = where === undefined || where === '' ? {} : { where: where.replace(/[^\w.$-]/g, '?') };
    found.set(feature, { feature, weight, ...place });
  };
  if (octets.length > WHOLE.size.from) note('size', WHOLE.size.weight);
  let strings = 0;
  const visit = (value: unknown, where: string, kind: Kind, depth: number): void => {
    if (depth === WHOLE.depth.from) note('depth', WHOLE.depth.weight);
    if (typeof value === 'string') {
      if (strings++ < MAX_STRINGS) lookAt(value, where, kind, note);
    } else if (Array.isArray(value)) {
      for (const each of value) visit(each, where, kind, depth + 1);
    } else if (typeof value === 'object' && value !== null) {
      for (const [key, each] of Object.entries(value as Record<string, unknown>)) {
        if (key.length > 24 || !/^[a-z][a-z0-9_]*$/.test(key)) lookAt(key, where, kind, note);
        if (key === 'constructor' && typeof each === 'object' && each !== null && Object.hasOwn(each, 'prototype'))
          note('prototype-pollution', 0.7, where);
        const place = key.length > 40 ? key.slice(0, 40) : key;
        visit(each, where === '' ? place : `${where}.${place}`, kindOf(key, kind), depth + 1);
      }
    }
  };
  visit(JSON.parse(decodeOctets(octets)), '', isLiteral ? 'literal' : 'value', 0);
  if (found === undefined) return NOTHING;
  // What came before makes a suspicious call worse, and nothing of one that is not.
  if (extra !== undefined) for (const { feature, weight } of extra) note(feature, weight);
  return scored([...(found as Map<string, Reason>).values()]);
}

type Note = (feature: string, weight: number, where?: string) => void;

function lookAt(text: string, where: string, kind: Kind, note: Note): void {
  if (text.length < 3) return;
  const part = text.length <= MAX_TEXT ? text : `${text.slice(0, MAX_TEXT / 2)}\n${text.slice(-MAX_TEXT / 2)}`;
  if (!isAscii(part)) {
    for (const { name, weight, pattern } of CHARACTER_FEATURES) if (pattern.test(part)) note(name, weight, where);
  }
  const plain = plainOf(part);
  if (needles.find(plain)) {
    for (let i = 0; i < FEATURES.length; i++) {
      if (!needles.has(i)) continue;
      const { name, weights, pattern } = FEATURES[i]!;
      if (weights[kind] > 0 && pattern.test(plain)) note(name, weights[kind], where);
    }
  }
  const { bits: most, length, weight } = WHOLE.entropy;
  if (kind === 'value' && part.length >= length && !part.includes(' ') && entropyOf(part) >= most)
    note('entropy', weight, where);
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: ASCII begins with them
const ASCII = /^[\x00-\x7f]*$/;
const isAscii = (text: string): boolean => ASCII.test(text);

/** As what reads it would have it: ordinary letters, in lower case, nothing invisible, percent signs and comments of SQL undone. */
function plainOf(text: string): string {
  let plain = text;
  if (!isAscii(plain))
    plain = plain
      .normalize('NFKC')
      .replace(/\p{Cf}|\p{Variation_Selector}/gu, '')
      .replace(/[‘’]/g, "'");
  plain = plain.toLowerCase();
  if (plain.includes('/*')) plain = plain.replace(/\/\*!?\d*[^*]{0,40}\*\//g, ' ');
  const percent = plain.indexOf('%');
  if (percent >= 0 && PERCENT.test(plain)) {
    // Both spellings are looked at: some features are the encoding itself.
    plain = `${plain}\n ${plain.replace(PERCENT_ALL, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))}`;
  }
  return plain;
}

const PERCENT = /%[2357][0-9a-f]/;
const PERCENT_ALL = /%([2-7][0-9a-f])/g;

/** Shannon's, in bits a character. */
function entropyOf(text: string): number {
  const counts = new Map<string, number>();
  for (const each of text) counts.set(each, (counts.get(each) ?? 0) + 1);
  let bits = 0;
  for (const count of counts.values()) bits -= (count / text.length) * Math.log2(count / text.length);
  return bits;
}

/** Each reason leaves less doubt: 1 - Π(1 - weight). */
function scored(reasons: readonly Reason[]): Screening {
  const doubt = reasons.reduce((left, { weight }) => left * (1 - weight), 1);
  return { score: Math.round((1 - doubt) * 1_000) / 1_000, reasons };
}

/** For the audit and for the caller: features, weights and places, the heaviest first. */
export function explained({ reasons }: Screening): string {
  return reasons
    .toSorted((a, b) => b.weight - a.weight)
    .slice(0, 10)
    .map(({ feature, weight, where }) => `${feature} ${weight}${where ? ` in ${where}` : ''}`)
    .join('; ');
}
