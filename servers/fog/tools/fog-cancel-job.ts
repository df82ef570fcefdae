/** The tool `fog_cancel_job` (F3). */
import { z } from 'zod';
import { defineTool, type Tool } from '../../../shared/tool.ts';
import type { WorkDeps } from '../deps.ts';
import * as view from '../work/view.ts';
import { waitFor } from '../work/waiting.ts';
import { LIVE } from '../work/work.ts';

const WITHIN_MS = 8_000;

export function fogCancelJob(deps: WorkDeps): Tool {
  const { work, switchboard, nowMs } = deps;
  return defineTool({
    name: 'fog_cancel_job',
    title: 'Cancel a fog job',
    description:
      'Ends a job of yours that waits or runs: asked to end, then killed with all that it started. Returns when it is gone. A job ' +
      'that has ended stays as it is, and its status is told.',
    input: z.strictObject({ job_id: view.jobId }),
    output: z.object({ job_id: view.jobId, status: view.statusSchema, detail: z.string().max(view.MOST.text) }),
    annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: true, openWorldHint: false },
    async handler({ job_id }, { caller, signal }) {
      const row = work.get(job_id);
      if (row?.kind !== 'job' || !view.mayManage(caller, row)) throw view.noSuch('job');
      work.cancel(job_id, nowMs());
      switchboard.poke();
      const ended = await waitFor(deps, job_id, ({ status }) => !LIVE.includes(status), WITHIN_MS, signal);
      const { status, detail } = ended ?? row;
      return { job_id, status, detail };
    },
  });
}
