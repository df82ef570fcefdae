/**
 * One call, from top to bottom: the order is the security argument. A step passes or throws; pure steps come before slow
 * ones; the audit wraps all, so that refusals are on record too. Reads of resources and prompts take the same way.
 */
import { type AppError, toAppError } from '../../shared/errors.ts';
import type { Call } from '../call.ts';
import type { Entry } from '../catalog/catalog.ts';
import type { Router } from '../router.ts';
import type { Answer } from '../upstreams/peer.ts';
import { askGovernance } from './ask-governance.ts';
import { authenticate } from './authenticate.ts';
import { authorize } from './authorize.ts';
import { checkStop } from './check-stop.ts';
import { forward, type Relay, saysFailed } from './forward.ts';
import { limitCaller, limitTarget } from './limit-rate.ts';
import { originOf } from './origin.ts';
import { endOf, recordAnswer, recordFailure, recordHit, recordStart, refusalOf } from './record.ts';
import { resolve } from './resolve.ts';
import { screenCall } from './screen.ts';

/**
 * @param relay takes the call to its server: `forward`, unless the server is asked once for several callers
 * @returns the server's answer, a JSON-RPC error of its own included
 * @throws AppError what the caller may read of why there is none
 */
export async function callTool(call: Call, router: Router, relay: Relay = forward): Promise<Answer> {
  let entry: Entry | undefined;
  /** For `tool_report`: undefined where the call was put to the vote. */
  let outcome: 'ok' | 'error' | 'refused' | undefined = 'refused';
  /** What the audit still has to learn if it ends here: exactly one record closes a call. */
  let owed: 'refusal' | 'outcome' | 'nothing' = 'refusal';
  try {
    call.origin = originOf(call.message);
    call.span = router.tracer?.begin(call);
    checkStop(call, router);
    authenticate(call, router.identity);
    const counted = limitCaller(call, router);
    if (counted !== undefined) await counted;
    const found = resolve(call, router.catalog);
    entry = found instanceof Promise ? await found : found;
    call.entry = entry;
    call.check();
    const allowed = authorize(call, entry, router.matrix);
    const within = limitTarget(call, entry, allowed.row, router);
    if (within !== undefined) await within;
    screenCall(call, entry, router);
    router.figures.passed(call, 'admit');
    const asked = askGovernance(call, entry, allowed, router);
    if (asked !== undefined) {
      const answer = await asked;
      router.figures.passed(call, 'governance');
      outcome = undefined;
      return answer;
    }
    const key = router.cache.keyFor(call, entry, allowed.row);
    const kept = key === undefined ? undefined : router.cache.get(key);
    if (kept !== undefined) {
      outcome = 'ok';
      await recordHit(call, entry, router.audit);
      owed = 'nothing';
      call.check();
      return kept;
    }
    if (allowed.row.audit === false) {
      owed = 'nothing';
      return await relay(call, entry, allowed.row.timeoutMs, router);
    }
    await recordStart(call, entry, router.audit);
    owed = 'outcome';
    router.figures.passed(call, 'record_start');
    call.check();
    const answer = await relay(call, entry, allowed.row.timeoutMs, router);
    router.figures.passed(call, 'upstream');
    await recordAnswer(call, entry, answer, router.audit);
    router.figures.passed(call, 'record_end');
    if (key !== undefined) router.cache.put(key, call, allowed.row, answer);
    outcome = saysFailed(answer) ? 'error' : 'ok';
    owed = 'nothing';
    call.check();
    return answer;
  } catch (thrown) {
    const error: AppError = toAppError(thrown);
    call.outcome ??= owed === 'refusal' ? refusalOf(error) : endOf(error);
    if (owed !== 'nothing') await recordFailure(call, entry, error, owed === 'outcome', router.audit);
    throw error;
  } finally {
    const durationMs = router.figures.ended(call, entry);
    call.span?.end(call, entry);
    if (entry?.target.kind === 'tool' && outcome !== undefined) noteTool(call, entry, outcome, durationMs, router);
    if (call.left && entry?.target.kind === 'tool' && !entry.item.readOnly) router.cache.changed(entry.server);
  }
}

/** What left for its server and was not answered failed (R10). */
function noteTool(
  call: Call,
  { server, item }: Entry,
  outcome: 'ok' | 'error' | 'refused',
  durationMs: number,
  { toolRecords }: Router,
): void {
  const how = outcome === 'refused' && call.left ? 'error' : outcome;
  toolRecords.note(server.id, item.own, how, durationMs, Date.now());
}
