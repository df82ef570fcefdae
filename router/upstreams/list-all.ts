/** Reads every page of one list of an upstream, guarded against lists without end (P4). */
import { AppError } from '../../shared/errors.ts';
import type { Octets } from '../../shared/json/octets.ts';
import { type Item, type ListKind, readPage } from '../catalog/definitions.ts';
import type { Peer } from './peer.ts';

export interface ListLimits {
  readonly maxItems: number;
  readonly maxPages: number;
  readonly timeoutMs: number;
}

const METHOD_NOT_FOUND = /"code"\s*:\s*-32601\b/;

/**
 * @returns the items of all pages, and what was wrong where the list was cut short
 * @throws AppError when the first page cannot be had
 */
export async function listAll(
  peer: Peer,
  list: ListKind,
  limits: ListLimits,
): Promise<{ items: Item[]; problem: string | undefined }> {
  const items: Item[] = [];
  const cursors = new Set<Octets>();
  let cursor: Octets | undefined;
  let skipped = 0;
  for (let page = 1; ; page++) {
    const params = cursor === undefined ? undefined : (`{"cursor":${cursor}}` as Octets);
    const answer = await peer.request(list.method, params, { timeoutMs: limits.timeoutMs, maxMs: limits.timeoutMs });
    if (!answer.ok) {
      // Templates are optional even where resources are declared.
      if (METHOD_NOT_FOUND.test(answer.octets)) return { items, problem: undefined };
      throw new AppError('UPSTREAM_UNAVAILABLE', { text: `The server answered ${list.method} with an error` });
    }
    const read = readPage(answer.octets, list);
    items.push(...read.items);
    skipped += read.bad;
    cursor = read.cursor;
    if (cursor === undefined) break;
    if (cursors.has(cursor)) return { items, problem: 'the same cursor came twice' };
    cursors.add(cursor);
    if (items.length >= limits.maxItems)
      return { items: items.slice(0, limits.maxItems), problem: `more than ${limits.maxItems} items` };
    if (page >= limits.maxPages) return { items, problem: `more than ${limits.maxPages} pages` };
  }
  return { items, problem: skipped === 0 ? undefined : `${skipped} items without a usable name were left out` };
}
