/** The tool `forge_start_training` (J1). */
import { z } from 'zod';
import { defineTool, type Tool } from '../../../shared/tool.ts';
import type { ForgeDeps } from '../deps.ts';
import { STATUSES } from '../forge/training.ts';
import { phaseSchema, taskIdSchema } from '../forge/view.ts';

export function forgeStartTraining({ trainings, trainer }: Pick<ForgeDeps, 'trainings' | 'trainer'>): Tool {
  return defineTool({
    name: 'forge_start_training',
    title: 'Start a training',
    description:
      'Starts a phase of the Agent Forge as a job and, when it succeeds, the phases behind it up to `until` (by default only this ' +
      'one). At most three run at once, others wait; a failure is tried again three times. Returns task_id to follow with ' +
      'forge_training_status or forge://training/{id}. A phase that lacks its command says not_configured.',
    input: z.strictObject({
      phase_name: phaseSchema.describe('Where to begin; forge_phases lists them'),
      parameters: z
        .record(z.string().max(100), z.json())
        .default({})
        .describe('What the phases take; `model` or `models` name entries of models_list'),
      until: phaseSchema.optional().describe('The last phase to run; "Final Compression" for all'),
    }),
    output: z.object({
      task_id: taskIdSchema,
      phase_name: phaseSchema,
      status: z.enum(STATUSES),
      message: z.string().max(500),
    }),
    annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: false, openWorldHint: true },
    async handler({ phase_name, parameters, until }, { caller }) {
      const { taskId, phase, status, message } = trainings.start({
        owner: caller.agentId,
        phase: phase_name,
        parameters,
        until: until ?? phase_name,
      });
      trainer.look();
      return { task_id: taskId, phase_name: phase, status, message };
    },
  });
}
