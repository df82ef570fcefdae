/**
 * `/api/emergency-stop` (E1): POST stops, GET shows, POST to `/resume` below it resumes. It asks no server and takes no part of the line, so that
 * it works when those do not; the matrix's rows of the two tools say who may.
 */
import type { z } from 'zod';
import { AppError } from '../../shared/errors.ts';
import type { Caller } from '../../shared/identity/caller.ts';
import type { BuiltInTool } from '../../shared/permission-matrix.ts';
import { describeMisfit } from '../../shared/request.ts';
import { OWN_ID } from '../config/server-entry.ts';
import type { Router } from '../router.ts';
import { orderResume, orderStop } from '../stop/order.ts';
import { resumeInput, shutdownInput, toStopOutput } from '../stop/stop-schema.ts';
import type { AuthAnswer, AuthHandler } from './rest-auth.ts';

export const STOP_PATH = '/api/emergency-stop';

/** By method and path, as the REST door mounts them. */
export function stopRoutes(router: Router): readonly (readonly [string, AuthHandler])[] {
  const deps = { stop: router.stop, audit: router.audit, now: Date.now };
  return [
    [
      `POST ${STOP_PATH}`,
      async ({ body, caller }) => {
        const by = admit(router, caller, 'emergency_system_shutdown');
        const { scope, reason } = parse(shutdownInput, body);
        return answer(toStopOutput(await orderStop(deps, { scope, why: reason, by, via: 'rest' })));
      },
    ],
    [
      `POST ${STOP_PATH}/resume`,
      async ({ body, caller }) => {
        const by = admit(router, caller, 'emergency_system_resume');
        const { scope, justification } = parse(resumeInput, body);
        return answer(toStopOutput(await orderResume(deps, { scope, why: justification, by, via: 'rest' })));
      },
    ],
    [
      `GET ${STOP_PATH}`,
      async ({ caller }) => {
        admit(router, caller, 'emergency_system_shutdown');
        return answer(toStopOutput({ stops: router.stop.stops, behind: 0, isKept: true, isRecorded: true }));
      },
    ],
  ];
}

/** Who asks, when the matrix lets it; a refusal is on record. */
function admit(router: Router, caller: Caller | undefined, tool: BuiltInTool): string {
  const target = { kind: 'tool', listedName: tool, serverId: OWN_ID, ownName: tool } as const;
  if (caller !== undefined && router.matrix.decide(caller, target).allowed) return caller.agentId;
  router.audit
    .append({ kind: 'call_denied', agent: caller?.agentId, tool, outcome: 'denied', details: { via: 'rest' } })
    .catch((error: unknown) => router.log.error({ err: error }, 'a refusal could not be recorded'));
  throw new AppError('FORBIDDEN', { text: 'An emergency stop is given and ended by level EMERGENCY' });
}

function parse<S extends z.ZodType>(schema: S, body: unknown): z.output<S> {
  const parsed = schema.safeParse(body ?? {});
  if (parsed.success) return parsed.data;
  throw new AppError('INVALID_REQUEST', { text: `The body does not fit. ${describeMisfit(parsed.error)}` });
}

function answer(body: Record<string, unknown>): AuthAnswer {
  return { status: 200, body, headers: {} };
}
