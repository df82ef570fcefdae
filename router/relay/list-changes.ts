/** Tells a session that a list changed, when it changed for its caller; others learn nothing of it (P9, B05). */
import type { Caller } from '../../shared/identity/caller.ts';
import type { Octets } from '../../shared/json/octets.ts';
import type { Target } from '../../shared/matrix/match.ts';
import type { Matrix } from '../../shared/matrix/matrix.ts';
import { type Entry, targetOf, type View } from '../catalog/catalog.ts';
import { type Item, LIST_NAMES, LISTS, type ListName } from '../catalog/definitions.ts';
import type { Router } from '../router.ts';
import type { Session } from '../session.ts';
import type { UpstreamServer } from '../upstreams/server.ts';

/** A server lists something else than before. */
export function listChanged(router: Router, server: UpstreamServer, list: ListName, before: readonly Item[]): void {
  const was = router.catalog.view(undefined);
  const now = server.definitions[list];
  router.catalog.changed();
  const changed = [...without(before, now), ...without(now, before)];
  const targets = changed
    .map((item) => targetOf(list, server, item))
    .filter((target) => isListed(was, list, target) || isListed(router.catalog.view(undefined), list, target));
  const reordered = changed.length === 0;
  // Many sessions have the same rights, and a list may be long.
  const answers = new Map<string, boolean>();
  const isConcerned = (caller: Caller, seen: readonly Target[]): boolean => {
    const rights = `${caller.level} ${caller.permissions.join(' ')}`;
    const answer = answers.get(rights) ?? seen.some((target) => router.matrix.visible(caller, target));
    answers.set(rights, answer);
    return answer;
  };
  const seen = reordered ? now.map((item) => targetOf(list, server, item)) : targets;
  for (const session of router.sessions.all()) {
    if (session.endpoint !== undefined && session.endpoint !== server.id) continue;
    if (isConcerned(session.caller, seen)) tell(session, list);
  }
}

/** What waits for an approval may change as often as it likes: nobody is told. */
function isListed(view: View, list: ListName, target: Target): boolean {
  return target.kind === 'resource' || view.lists[list].has(target.listedName);
}

/** What decided on all lists at one time. */
export interface Rights {
  readonly matrix: Matrix;
  readonly view: (endpoint: string | undefined) => View;
}

/** To be taken before a change, for `rightsChanged` after it. */
export function rightsNow({ matrix, catalog, sessions }: Router): Rights {
  const views = new Map<string | undefined, View>();
  for (const { endpoint } of sessions.all()) views.set(endpoint, catalog.view(endpoint));
  return { matrix, view: (endpoint) => views.get(endpoint) ?? catalog.view(endpoint) };
}

/** Another matrix is in force, or the servers are others: each session whose lists show something else is told. */
export function rightsChanged(router: Router, before: Rights): void {
  for (const session of router.sessions.all()) {
    const was = before.view(session.endpoint).lists;
    const is = router.catalog.view(session.endpoint).lists;
    for (const list of LIST_NAMES) {
      const seen = (matrix: Matrix, entry: Entry | undefined) =>
        entry !== undefined && matrix.visible(session.caller, entry.target) ? entry.octets : undefined;
      const names = new Set([...was[list].keys(), ...is[list].keys()]);
      const isChanged = [...names].some(
        (name) => seen(before.matrix, was[list].get(name)) !== seen(router.matrix, is[list].get(name)),
      );
      if (isChanged) tell(session, list);
    }
  }
}

/** Something was approved, or is withheld now: by us, or by another process on the data folder. */
export function definitionsChanged(router: Router): void {
  const before = rightsNow(router);
  router.catalog.changed();
  rightsChanged(router, before);
}

export function tell(session: Session, list: ListName): void {
  if (session.version !== '') session.send(`{"jsonrpc":"2.0","method":"${LISTS[list].changed}"}` as Octets);
}

function without(items: readonly Item[], others: readonly Item[]): Item[] {
  const there = new Set(others.map((item) => item.octets));
  return items.filter((item) => !there.has(item.octets));
}
