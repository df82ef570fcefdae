/** For tools that are about the session that calls them, and about what its caller may use there. */
import type { Caller } from '../../../shared/identity/caller.ts';
import { parseOctets } from '../../../shared/json/octets.ts';
import type { Entry } from '../../catalog/catalog.ts';
import type { Item } from '../../catalog/definitions.ts';
import { isVisible } from '../../relay/sees.ts';
import type { Router } from '../../router.ts';
import type { Session } from '../../session.ts';
import type { Searched } from '../../tools/search.ts';

/** The session whose call this is: the one that the router has before it, and no other that could be named. */
export function sessionOf(router: Router, caller: Caller, correlationId: string): Session | undefined {
  for (const session of router.sessions.all()) {
    if (session.agentId !== caller.agentId) continue;
    for (const call of session.calls.values()) if (call.correlationId === correlationId) return session;
  }
  return undefined;
}

export interface Found extends Searched {
  readonly entry: Entry;
  readonly inputSchema: unknown;
}

const read = new WeakMap<Item, Omit<Found, 'entry' | 'name'>>();

/** Every tool that this caller may use at this endpoint, whether its session lists it or not. */
export function foundTools(router: Router, caller: Caller, endpoint: string | undefined): Found[] {
  return [...router.catalog.view(endpoint).lists.tools.values()]
    .filter((entry) => isVisible(router, caller, entry))
    .map((entry) => ({ ...textsOf(entry.item), name: entry.name, entry }));
}

function textsOf(item: Item): Omit<Found, 'entry' | 'name'> {
  let texts = read.get(item);
  if (texts === undefined) {
    const { title, description, inputSchema } = parseOctets(item.octets) as Record<string, unknown>;
    const properties = (inputSchema as { properties?: unknown } | undefined)?.properties;
    texts = {
      title: typeof title === 'string' ? title : '',
      description: typeof description === 'string' ? description : '',
      argumentNames: typeof properties === 'object' && properties !== null ? Object.keys(properties) : [],
      inputSchema,
    };
    read.set(item, texts);
  }
  return texts;
}
