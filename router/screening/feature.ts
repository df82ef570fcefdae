/** What a feature of the screening is, and how its weights follow from three of them. */
import type { Kind } from './kinds.ts';

export interface Feature {
  readonly name: string;
  readonly weights: Readonly<Record<Kind, number>>;
  /** It is looked for only in texts that contain one of these: asking that of all features together is much cheaper. */
  readonly needs: readonly string[];
  /** On the text in lower case, decoded, with ordinary letters. */
  readonly pattern: RegExp;
}

/** A line of text is nearly a value: what is certain there is nearly so here. */
const LINE_LESS = 0.06;
export const weights = (value: number, prose: number, code: number) => ({
  value,
  line: Math.max(prose, Math.round((value - LINE_LESS) * 100) / 100),
  prose,
  code,
  literal: 0,
});
