/** The tool `fog_job_status` (F3). */
import { z } from 'zod';
import { defineTool, type Tool } from '../../../shared/tool.ts';
import type { WorkDeps } from '../deps.ts';
import * as view from '../work/view.ts';
import { waitFor } from '../work/waiting.ts';
import { LIVE } from '../work/work.ts';

const MOST_WAIT_SECONDS = 300;

export function fogJobStatus(deps: WorkDeps): Tool {
  const { work } = deps;
  return defineTool({
    name: 'fog_job_status',
    title: 'Status of a fog job',
    description:
      'Tells how a job of yours stands: queued with the reason, running with its progress, or ended with its exit code, output and ' +
      'what it used; and every lease that it had. With wait_seconds it waits for the end and reports progress meanwhile.',
    input: z.strictObject({
      job_id: view.jobId,
      wait_seconds: z.int().min(0).max(MOST_WAIT_SECONDS).default(0),
    }),
    output: z.object({
      ...view.jobSchema.shape,
      stdout: z.string().max(view.MOST.output),
      stderr: z.string().max(view.MOST.output),
      output_truncated: z.boolean(),
    }),
    annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false },
    async handler({ job_id, wait_seconds }, { caller, signal, progress }) {
      const row = work.get(job_id);
      if (row?.kind !== 'job' || !view.mayManage(caller, row)) throw view.noSuch('job');
      let told = 0;
      const waited = await waitFor(
        deps,
        job_id,
        ({ status }) => !LIVE.includes(status),
        wait_seconds * 1_000,
        signal,
        ({ progress: done, status }) => {
          if (done === null || done <= told) return;
          told = done;
          progress(done, 1, status);
        },
      );
      const output = work.output(job_id);
      return {
        ...view.toJobView(waited ?? row, deps),
        stdout: output?.stdout ?? '',
        stderr: output?.stderr ?? '',
        output_truncated: output?.is_truncated === 1,
      };
    },
  });
}
