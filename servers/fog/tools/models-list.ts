/** The tool `models_list` (J2). */
import { z } from 'zod';
import { AppError } from '../../../shared/errors.ts';
import { defineTool, type Tool } from '../../../shared/tool.ts';
import type { ForgeDeps } from '../deps.ts';
import { endpointModels } from '../forge/chat.ts';
import { modelSchema, ownerSeen, toModelView } from '../forge/view.ts';

const MOST = 1_000;

export function modelsList({ models, endpoint }: Pick<ForgeDeps, 'models' | 'endpoint'>): Tool {
  return defineTool({
    name: 'models_list',
    title: 'List models',
    description:
      'Lists the models there are: files of the configured folders and those that your trainings made, to be given to a phase of the ' +
      'forge; and those of the model endpoint, to be asked with model_chat. Returns models, and why the endpoint shows none, if so.',
    input: z.strictObject({ limit: z.int().min(1).max(MOST).default(100) }),
    output: z.object({
      models: z.array(modelSchema).max(MOST),
      endpoint: z.enum(['available', 'unavailable', 'not_configured']),
    }),
    annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: true },
    async handler({ limit }, { caller, signal, log }) {
      const files = models.list(ownerSeen(caller), limit).map(toModelView);
      if (endpoint === undefined) return { models: files, endpoint: 'not_configured' as const };
      try {
        const names = await endpointModels(endpoint, signal);
        const chat = names.map((model) => ({
          model,
          source: 'endpoint' as const,
          use: 'chat' as const,
          bytes: null,
          phase_name: null,
          task_id: null,
        }));
        return { models: [...files, ...chat].slice(0, limit), endpoint: 'available' as const };
      } catch (cause) {
        if (!(cause instanceof AppError)) throw cause;
        log.info({ cause }, 'the model endpoint shows no models');
        return { models: files, endpoint: 'unavailable' as const };
      }
    },
  });
}
