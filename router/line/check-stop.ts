/**
 * Step 1, before anything else: no call starts that an emergency stop covers, and none at all while nobody can tell (E3).
 * Asked again at the last moment before a call leaves.
 */
import type { Call } from '../call.ts';
import type { Entry } from '../catalog/catalog.ts';
import { OWN_ID } from '../config/server-entry.ts';
import type { Router } from '../router.ts';
import { type Reach, stopped } from '../stop/stops.ts';
import { find } from './resolve.ts';

/** Throws AppError EMERGENCY_STOP. */
export function checkStop(call: Call, router: Router): void {
  if (router.stop.isClear) return;
  const stop = router.stop.covering(reachOf(call, router));
  if (stop !== undefined) throw stopped(stop);
}

/** What a stop looks at. What its caller may not know of has no name here: a stop tells nobody what there is (M2). */
export function reachOf(call: Call, router: Router): Reach {
  const { agentId } = call.caller;
  const entry = call.entry ?? named(call, router);
  if (entry === undefined || !router.matrix.visible(call.caller, entry.target)) {
    return { serverId: '', isRouter: false, tool: undefined, agentId };
  }
  const { target } = entry;
  const tool = target.kind === 'tool' ? target.listedName : undefined;
  return { serverId: target.serverId, isRouter: target.serverId === OWN_ID, tool, agentId };
}

/** For what passes no line: throws AppError EMERGENCY_STOP when the caller itself is stopped. */
export function checkAgent(agentId: string, router: Router): void {
  const stop = stopOf(agentId, router);
  if (stop !== undefined) throw stopped(stop);
}

export function isStopped(agentId: string, router: Router): boolean {
  return stopOf(agentId, router) !== undefined;
}

function stopOf(agentId: string, { stop }: Router) {
  return stop.isClear ? undefined : stop.covering({ serverId: '', isRouter: true, tool: undefined, agentId });
}

function named(call: Call, { catalog }: Router): Entry | undefined {
  try {
    return find(call, catalog.view(call.session.endpoint));
  } catch {
    return undefined;
  }
}
