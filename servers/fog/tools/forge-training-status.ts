/** The tool `forge_training_status` (J1). */
import { z } from 'zod';
import { defineTool, type Tool } from '../../../shared/tool.ts';
import type { ForgeDeps } from '../deps.ts';
import type { Training } from '../forge/training.ts';
import { ownerSeen, taskIdSchema, toTrainingView, trainingSchema } from '../forge/view.ts';

const MOST = 200;

export function forgeTrainingStatus({ trainings, watches }: Pick<ForgeDeps, 'trainings' | 'watches'>): Tool {
  return defineTool({
    name: 'forge_training_status',
    title: 'How trainings go',
    description:
      'Shows one training of yours in full, or the newest ones: status, progress, artefacts with their digests, and what the phase ' +
      'reports. With wait_seconds it waits until the training has ended, and tells of its progress meanwhile. Returns trainings.',
    input: z.strictObject({
      task_id: taskIdSchema.optional().describe('One training; without it the newest'),
      wait_seconds: z.number().min(0).max(600).default(0).describe('With task_id: wait for its end, at most this long'),
      limit: z.int().min(1).max(MOST).default(20),
    }),
    output: z.object({ trainings: z.array(trainingSchema).max(MOST) }),
    annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false },
    async handler({ task_id, wait_seconds, limit }, { caller, progress, signal }) {
      const owner = ownerSeen(caller);
      if (task_id === undefined) return { trainings: trainings.list({ owner, limit }).map(toTrainingView) };
      let told = -1;
      const look = (): Training => {
        const training = trainings.get(owner, task_id);
        // Progress only grows, whatever a second try does.
        if (training.progress > told) {
          told = training.progress;
          progress(training.progress, 1, training.message);
        }
        return training;
      };
      if (look().endedAt === null && wait_seconds > 0) {
        const { promise, resolve } = Promise.withResolvers<void>();
        const stop = watches.watch(
          () => trainings.stampOf(task_id),
          () => {
            if (look().endedAt !== null) resolve();
          },
        );
        const timer = setTimeout(resolve, wait_seconds * 1_000);
        signal.addEventListener('abort', () => resolve(), { once: true });
        // It may have ended between the first look and the watch.
        if (look().endedAt !== null) resolve();
        await promise.finally(() => {
          stop();
          clearTimeout(timer);
        });
      }
      return { trainings: [toTrainingView(look())] };
    },
  });
}
