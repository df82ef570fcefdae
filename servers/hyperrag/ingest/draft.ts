/** What a reader of files gives: a document before anybody owns it, or why there is none. */
import type { Piece } from './chunk.ts';

export interface Draft {
  readonly id: string;
  readonly title: string;
  /** '' = whoever ingests it. */
  readonly source: string;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly pieces: readonly Piece[];
}

export interface Skipped {
  readonly id: string;
  /** A sentence for who asked; names no path beyond the id. */
  readonly reason: string;
}

export type Read = { readonly draft: Draft } | { readonly skipped: Skipped };

export const MAX_ID = 500;
export const MAX_TITLE = 500;
export const MAX_SOURCE = 500;
/** Of one document's text, in characters. */
export const MAX_TEXT = 8 * 2 ** 20;
/** Of one PDF. */
export const MAX_PAGES = 5_000;

export function skip(id: string, reason: string): Read {
  return { skipped: { id: id.slice(0, MAX_ID), reason } };
}
