/** Reads every page of one list of an upstream, guarded against lists without end (P4). */
import { AppError } from '../../shared/errors.ts';
import type { Octets } from '../../shared/json/octets.ts';
import type { Work } from '../background.ts';
import { type Item, itemsOf, type ListKind, readItem, readPage } from '../catalog/definitions.ts';
import type { Peer } from './peer.ts';

export interface ListLimits {
  readonly maxItems: Readonly<Record<ListKind['key'], number>>;
  /** Of all definitions of a list together. */
  readonly maxBytes: number;
  readonly maxPages: number;
  readonly timeoutMs: number;
}

/** What a megabyte of an answer has cost before it is looked at here, in milliseconds. */
const MEGABYTE_MS = 6;
const METHOD_NOT_FOUND = /"code"\s*:\s*-32601\b/;

/**
 * @param work this is part of: it is done in pieces
 * @returns the items of all pages, and what was wrong where the list was cut short
 * @throws AppError when the first page cannot be had
 */
export async function listAll(
  peer: Peer,
  list: ListKind,
  limits: ListLimits,
  work: Work,
): Promise<{ items: Item[]; problem: string | undefined }> {
  const items: Item[] = [];
  const cursors = new Set<Octets>();
  let cursor: Octets | undefined;
  const maxItems = limits.maxItems[list.key];
  let bytes = 0;
  let skipped = 0;
  for (let page = 1; ; page++) {
    const params = cursor === undefined ? undefined : (`{"cursor":${cursor}}` as Octets);
    const answer = await peer.request(list.method, params, { timeoutMs: limits.timeoutMs, maxMs: limits.timeoutMs });
    if (!answer.ok) {
      // Templates are optional even where resources are declared.
      if (METHOD_NOT_FOUND.test(answer.octets)) return { items, problem: undefined };
      throw new AppError('UPSTREAM_UNAVAILABLE', { text: `The server answered ${list.method} with an error` });
    }
    work.start((answer.octets.length / 1e6) * MEGABYTE_MS);
    if (work.isLong) await work.rest();
    const read = readPage(answer.octets, list);
    if (work.isLong) await work.rest();
    for (const octets of itemsOf(read)) {
      if (work.isLong) await work.rest();
      const item = readItem(octets, list.key);
      if (item === undefined) skipped++;
      else {
        bytes += octets.length;
        if (items.length >= maxItems) return { items, problem: `more than ${maxItems} items` };
        if (bytes > limits.maxBytes) return { items, problem: `more than ${limits.maxBytes} bytes` };
        items.push(item);
      }
    }
    work.stop();
    cursor = read.cursor;
    if (cursor === undefined) break;
    if (cursors.has(cursor)) return { items, problem: 'the same cursor came twice' };
    cursors.add(cursor);
    if (page >= limits.maxPages) return { items, problem: `more than ${limits.maxPages} pages` };
  }
  const problem = skipped === 0 ? undefined : `${skipped} items without a usable name, or too large, were left out`;
  return { items, problem };
}
