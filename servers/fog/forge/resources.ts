/** The resources of the forge: one training, and the models that trainings may use; both tell of changes. */
import { z } from 'zod';
import { AppError } from '../../../shared/errors.ts';
import type { Caller } from '../../../shared/identity/caller.ts';
import { unknownTarget } from '../../../shared/request.ts';
import { defineResource, defineResourceTemplate, type Resource } from '../../../shared/resource.ts';
import type { ForgeDeps } from '../deps.ts';
import type { Training } from './training.ts';
import { ownerSeen, taskIdSchema, toModelView, toTrainingView } from './view.ts';

const NEWEST = 200;

export function forgeResources({ trainings, models, watches }: ForgeDeps): readonly Resource[] {
  /** Another's training is as unknown as none. */
  function find(id: string, caller: Caller): Training {
    try {
      return trainings.get(ownerSeen(caller), id);
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      throw unknownTarget({ kind: 'resource', uri: `forge://training/${id}` });
    }
  }
  const modelsOf = (caller: Caller) => models.list(ownerSeen(caller), NEWEST).map(toModelView);

  return [
    defineResource({
      uri: 'forge://models',
      name: 'models',
      title: 'Models of the forge',
      description: `The models that a phase of the forge can be given: files of the configured folders and your newest artefacts, at most ${NEWEST}. Updated with every training that made one.`,
      mimeType: 'application/json',
      read: async ({ caller }) => ({ json: { models: modelsOf(caller) } }),
      watch: (onUpdate, { caller }) => watches.watch(() => JSON.stringify(modelsOf(caller)), onUpdate),
    }),
    defineResourceTemplate({
      uriTemplate: 'forge://training/{id}',
      variables: z.strictObject({ id: taskIdSchema }),
      name: 'training',
      title: 'One training',
      description: 'A training of yours in full: status, progress, artefacts, report. Updated with every step of it.',
      mimeType: 'application/json',
      read: async ({ id }, { caller }) => ({ json: toTrainingView(find(id, caller)) }),
      watch(onUpdate, { id }, { caller }) {
        find(id, caller);
        return watches.watch(() => trainings.stampOf(id), onUpdate);
      },
    }),
  ];
}
