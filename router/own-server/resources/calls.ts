/** The resource of one call: where its time went, step by step, while it is among the last. Another's is unknown, as in the events. */
import { z } from 'zod';
import { unknownTarget } from '../../../shared/request.ts';
import { defineResourceTemplate, type Resource } from '../../../shared/resource.ts';
import { STEPS } from '../../metrics/figures.ts';
import { namedSteps } from '../../metrics/recent-calls.ts';
import type { Router } from '../../router.ts';
import { seesAllCalls } from './visible.ts';

export function callResource(router: Router): Resource {
  return defineResourceTemplate({
    uriTemplate: 'village://calls/{call_id}',
    variables: z.strictObject({ call_id: z.uuid().max(36) }),
    name: 'call',
    title: 'Steps of one call',
    description:
      'Where the time of one of the last 5,000 calls of tools went: admit (stop, identity, limits, matrix, screening), governance, record_start, upstream, record_end, in milliseconds. The call_id is that of village://events; for older calls see audit_query.',
    mimeType: 'application/json',
    async read({ call_id }, { caller }) {
      const call = router.figures.recent.find(call_id);
      if (call === undefined || (call.agent !== caller.agentId && !seesAllCalls(router, caller)))
        throw unknownTarget({ kind: 'resource', uri: `village://calls/${call_id}` });
      const { agent, server, tool, outcome, startedAtMs, totalMs } = call;
      return {
        json: {
          call_id,
          agent,
          server,
          tool,
          outcome,
          started_at: new Date(startedAtMs).toISOString(),
          total_ms: rounded(totalMs),
          steps: namedSteps(call, STEPS).map(({ step, ms }) => ({ step, ms: rounded(ms) })),
        },
      };
    },
  });
}

function rounded(ms: number): number {
  return Math.round(ms * 1_000) / 1_000;
}
