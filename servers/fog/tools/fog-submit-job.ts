/** The tool `fog_submit_job` (F3). */
import { z } from 'zod';
import { AppError } from '../../../shared/errors.ts';
import { parseFog } from '../../../shared/fog-amount.ts';
import { defineTool, type Tool } from '../../../shared/tool.ts';
import type { WorkDeps } from '../deps.ts';
import { priceSchema } from '../money/view.ts';
import * as view from '../work/view.ts';

/** Of all arguments together: they travel in one message and stand in one row. */
const MOST_ARGUMENT_BYTES = 65_536;

export function fogSubmitJob({ work, programs, switchboard, nowMs, newId }: WorkDeps): Tool {
  return defineTool({
    name: 'fog_submit_job',
    title: 'Submit a fog job',
    description:
      'Runs one allowed command on a fog node under limits of processor time, memory, time, processes and output, without a shell. ' +
      'Returns its job_id at once; fog_job_status waits for it and gives its output. When its node is lost it runs elsewhere, and ' +
      'exactly one result counts, so it must not matter if it starts twice.',
    input: z.strictObject({
      command: view.programName.describe('A command that the configuration allows, by its name there'),
      args: z
        .array(
          z
            .string()
            .max(view.MOST.argument)
            .refine((text) => !text.includes('\0'), 'expected no NUL'),
        )
        .max(view.MOST.args)
        .default([]),
      resources: z
        .strictObject({
          cpu_cores: view.cpuCores.default(1),
          memory_gb: view.memoryGb.default(0.25),
          wall_seconds: z.int().min(1).max(view.MOST.seconds).default(60).describe('Ended after this'),
          gpu: z.boolean().default(false),
        })
        .prefault({}),
      priority: view.priority.default('normal'),
      target_node: view.nodeId.optional().describe('Node to run on; leave out to have it placed'),
      max_price: priceSchema.optional().describe('Most that it may cost, in FOG'),
    }),
    output: z.object({ job_id: view.jobId, status: view.statusSchema }),
    annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: false, openWorldHint: true },
    async handler({ command, args, resources, priority, target_node, max_price }, { caller }) {
      const known = [...programs().commands.keys()];
      if (!known.includes(command)) {
        throw new AppError('INVALID_PARAMS', {
          text: `command: expected one of ${known.join(', ') || 'none'}, which are allowed`,
        });
      }
      const bytes = args.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
      if (bytes > MOST_ARGUMENT_BYTES) {
        throw new AppError('INVALID_PARAMS', {
          text: `args: expected at most ${MOST_ARGUMENT_BYTES} bytes together, got ${bytes}`,
        });
      }
      const workId = newId();
      const row = work.order(
        {
          workId,
          kind: 'job',
          label: workId,
          agent: caller.agentId,
          program: `command:${command}`,
          args,
          cpuCores: resources.cpu_cores,
          memoryGb: resources.memory_gb,
          gpu: resources.gpu,
          wallSeconds: resources.wall_seconds,
          priority: view.toPriority(priority),
          targetNode: target_node,
          maxPriceMicro: max_price === undefined ? undefined : Number(parseFog(max_price, 'max_price', 0n)),
        },
        nowMs(),
      );
      switchboard.poke();
      return { job_id: row.work_id, status: row.status };
    },
  });
}
