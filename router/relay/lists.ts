/** The router's own lists: of all that an endpoint has, what this caller may use, page by page (M2, P4). */
import { z } from 'zod';
import { AppError } from '../../shared/errors.ts';
import type { Caller } from '../../shared/identity/caller.ts';
import { type Octets, stringifyOctets } from '../../shared/json/octets.ts';
import type { Entry } from '../catalog/catalog.ts';
import { LIST_NAMES, LISTS, type ListName } from '../catalog/definitions.ts';
import { firstStarts } from '../catalog/first-starts.ts';
import { type Message, parseParams } from '../message.ts';
import type { Router } from '../router.ts';
import type { Session } from '../session.ts';
import { isVisible } from './sees.ts';

const listParams = z.looseObject({ cursor: z.string().max(1000).optional() }).optional();

export function listOf(method: string): ListName | undefined {
  return LIST_NAMES.find((list) => LISTS[list].method === method);
}

/** The result of one list request. Throws AppError INVALID_PARAMS for a cursor that is not ours. */
export async function list(
  router: Router,
  session: Session,
  caller: Caller,
  which: ListName,
  message: Message,
): Promise<Octets> {
  const params = listParams.safeParse(parseParams(message));
  if (!params.success) throw new AppError('INVALID_PARAMS', { text: 'cursor must be a string' });
  await firstStarts(router.catalog.view(session.endpoint), router.settings.firstListWaitMs);
  const entries = [...router.catalog.view(session.endpoint).lists[which].values()].filter(
    (entry) => isVisible(router, caller, entry) && (which !== 'tools' || isLoaded(session, entry.name)),
  );
  const { pageSize } = router.settings;
  const from = params.data?.cursor === undefined ? 0 : behind(entries, params.data.cursor);
  const page = entries.slice(from, from + pageSize);
  const last = page.at(-1);
  const next =
    last !== undefined && from + pageSize < entries.length ? `,"nextCursor":${stringifyOctets(cursorAt(last))}` : '';
  return `{"${LISTS[which].member}":[${page.map((entry) => entry.octets).join(',')}]${next}}` as Octets;
}

/** By these a session in lean mode finds the others. */
const FINDERS: ReadonlySet<string> = new Set(['tool_search', 'tool_load']);

function isLoaded({ loaded }: Session, name: string): boolean {
  return loaded === undefined || loaded.has(name) || FINDERS.has(name);
}

/** A cursor names the last thing shown, so that it holds when others come or go. */
function cursorAt(entry: Entry): string {
  return Buffer.from(entry.name, 'utf8').toString('base64url');
}

function behind(entries: readonly Entry[], cursor: string): number {
  const name = Buffer.from(cursor, 'base64url').toString('utf8');
  const index = entries.findIndex((entry) => entry.name === name);
  if (index < 0) throw new AppError('INVALID_PARAMS', { text: 'Unknown cursor; list again without one' });
  return index + 1;
}
