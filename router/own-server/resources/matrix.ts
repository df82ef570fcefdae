/**
 * The resource of the permission matrix as it holds now: for each tool, resource and prompt that there is, the row that decides
 * and who may. It decides nothing itself. Who may not ask about others sees what concerns them.
 */
import { levelName } from '../../../shared/identity/levels.ts';
import type { Rights } from '../../../shared/matrix/decide.ts';
import { targetName } from '../../../shared/matrix/match.ts';
import type { PermissionRow } from '../../../shared/matrix/rows.ts';
import { defineResource, type Resource } from '../../../shared/resource.ts';
import type { Entry } from '../../catalog/catalog.ts';
import { LIST_NAMES } from '../../catalog/definitions.ts';
import type { OwnServerDeps } from '../deps.ts';
import { mayAskAboutAll } from '../tools/permission-explain.ts';

export function matrixResource({ router, rightsOf, agents }: OwnServerDeps): Resource {
  const decisionOf = (asked: Rights, { target }: Entry) => router.matrix.explain(asked, target).decision;

  return defineResource({
    uri: 'village://matrix',
    name: 'matrix',
    title: 'Permission matrix',
    description:
      'Each tool, resource and prompt with the row that decides on it (level, permission and conditions) and what it decides for you. From level GOVERNANCE with audit:read: for each agent of the configuration too. permission_explain gives the reasons.',
    mimeType: 'application/json',
    async read({ caller }) {
      const isForAll = mayAskAboutAll(caller);
      const others: Rights[] = isForAll
        ? agents().flatMap((agentId) => {
            const rights = rightsOf(agentId);
            return rights === undefined ? [] : [{ agentId, ...rights }];
          })
        : [];
      const { lists } = router.catalog.view(undefined);
      const entries = LIST_NAMES.flatMap((list) => [...lists[list].values()]).filter(
        ({ target }) => isForAll || router.matrix.visible(caller, target),
      );
      return {
        json: {
          agents: others.map(({ agentId, level }) => ({ agent: agentId, level: levelName(level) })),
          targets: entries.map((entry) => ({
            kind: entry.target.kind,
            name: targetName(entry.target),
            server: entry.server.id,
            ...shownRow(router.matrix.explain(caller, entry.target).row),
            you: decisionOf(caller, entry),
            may: others.flatMap((other) => {
              const decision = decisionOf(other, entry);
              return decision === 'denied' ? [] : [{ agent: other.agentId, decision }];
            }),
          })),
        },
      };
    },
  });
}

/** null where no row matches, or several equally: then nobody may. */
function shownRow(row: PermissionRow | undefined): Record<string, unknown> {
  if (row === undefined) return { row: null };
  const { match, level, permission, approval, justification, arguments: rules, rate, cacheSeconds, timeoutMs } = row;
  return {
    row: {
      match,
      level,
      permission: permission ?? null,
      approval: approval ?? null,
      needs_justification: justification === true,
      checks_arguments: rules !== undefined,
      per_minute: rate?.perMinute ?? null,
      cache_seconds: cacheSeconds ?? null,
      timeout_ms: timeoutMs ?? null,
    },
  };
}
