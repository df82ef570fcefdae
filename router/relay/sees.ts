/** Whether a server exists for a caller: one of which it may use nothing does not (M2). */
import { targetOf } from '../catalog/catalog.ts';
import { LIST_NAMES } from '../catalog/definitions.ts';
import type { Router } from '../router.ts';
import type { Session } from '../session.ts';
import type { UpstreamServer } from '../upstreams/server.ts';

export function seesAnyOf(router: Router, { caller }: Session, server: UpstreamServer): boolean {
  return LIST_NAMES.some((list) =>
    server.definitions[list].some((item) => router.matrix.visible(caller, targetOf(list, server, item))),
  );
}
