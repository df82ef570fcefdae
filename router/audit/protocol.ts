/** What the main thread and the writer's thread say to each other. Few objects: at load thousands of these cross each second. */
import type { Octets } from '../../shared/json/octets.ts';

/** A string that was cut, whole: the writer adds its keyed digest to the record under `field`. */
export interface LongValue {
  /** Which record of its batch. */
  readonly index: number;
  readonly field: string;
  readonly octets: Octets;
}

/** Control characters that no JSON text contains: one string for all records costs much less on its way than a list. */
export const UNIT_END = '\x1f';
export const RECORD_END = '\x1e';

/** One record's part of a batch. `args` as they came. */
export function unitOf(line: string, args = ''): string {
  return line + UNIT_END + args + RECORD_END;
}

/** Everything appended in one tick. */
export interface Batch {
  readonly type: 'batch';
  /** Milliseconds since the epoch. */
  readonly time: number;
  readonly count: number;
  /** What `unitOf` made of each record. */
  readonly text: string;
  readonly long: readonly LongValue[] | undefined;
}

export type ToWriter = Batch | { readonly type: 'prune'; readonly now: number } | { readonly type: 'close' };

/** Answers to batches come in the order of the batches; one answer may settle several. */
export type FromWriter =
  | { readonly type: 'ready' }
  /** The first opening failed; the text is fit for the user. */
  | { readonly type: 'refused'; readonly why: string }
  | { readonly type: 'committed'; readonly batches: number; readonly firstSeq: number }
  | { readonly type: 'failed'; readonly batches: number; readonly why: string }
  | { readonly type: 'notice'; readonly text: string }
  | { readonly type: 'closed' };

export interface WriterOptions {
  /** Holds `audit.db`, `audit.checkpoint` and `keys/`. */
  readonly dataDir: string;
  /** The second place: signed checkpoints and the pinned public key. */
  readonly checkpointDir: string;
  /** `normal` survives the end of the process, `strict` also the loss of power. */
  readonly durability: 'normal' | 'strict';
  /** Records older than this are dropped from the old end; absent: kept for ever. */
  readonly retentionDays?: number | undefined;
}
