/** The tool `forge_stop_training` (J1). */
import { z } from 'zod';
import { defineTool, type Tool } from '../../../shared/tool.ts';
import type { ForgeDeps } from '../deps.ts';
import { ownerSeen, taskIdSchema, toTrainingView, trainingSchema } from '../forge/view.ts';

export function forgeStopTraining({ trainings }: Pick<ForgeDeps, 'trainings'>): Tool {
  return defineTool({
    name: 'forge_stop_training',
    title: 'Stop a training',
    description:
      'Stops a training of yours that waits or runs; its programs end within a second and nothing of this phase is kept. What earlier ' +
      'phases made stays. Returns the training.',
    input: z.strictObject({ task_id: taskIdSchema.describe('From forge_start_training') }),
    output: trainingSchema,
    annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: false, openWorldHint: false },
    handler: async ({ task_id }, { caller }) => toTrainingView(trainings.stop(ownerSeen(caller), task_id)),
  });
}
