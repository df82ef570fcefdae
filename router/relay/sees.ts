/** Whether a server exists for a caller: one of which it may use nothing does not (M2). */
import type { Caller } from '../../shared/identity/caller.ts';
import { LOCAL_CALLER } from '../../shared/identity/local-caller.ts';
import { type Entry, targetOf } from '../catalog/catalog.ts';
import { LIST_NAMES } from '../catalog/definitions.ts';
import type { Router } from '../router.ts';
import type { Session } from '../session.ts';
import type { UpstreamServer } from '../upstreams/server.ts';

/** Whether lists show it to this caller: by the matrix, and by the profile of its server (M6). */
export function isVisible(
  router: Router,
  caller: Caller,
  { server, target }: Pick<Entry, 'server' | 'target'>,
): boolean {
  if (server.options.profile?.require_authentication === true && caller === LOCAL_CALLER) return false;
  return router.matrix.visible(caller, target);
}

export function seesAnyOf(router: Router, { caller }: Session, server: UpstreamServer): boolean {
  return LIST_NAMES.some((list) =>
    server.definitions[list].some((item) =>
      isVisible(router, caller, { server, target: targetOf(list, server, item) }),
    ),
  );
}
