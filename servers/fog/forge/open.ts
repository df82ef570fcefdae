/** Composes the Agent Forge on an open fog.db: trainings, their artefacts, models, and the trainer that works through them. */
import path from 'node:path';
import { NO_FORGE_RULES } from '../../../shared/forge-rules.ts';
import type { Log } from '../../../shared/log.ts';
import type { ForgeSettings } from '../../index.ts';
import type { FogBase, ForgeDeps } from '../deps.ts';
import { createModels } from './models.ts';
import { createObjectStore } from './object-store.ts';
import { phaseRunner } from './run-phase.ts';
import { startTrainer } from './trainer.ts';
import { createTrainings } from './trainings.ts';

export interface ForgeParts {
  readonly settings: ForgeSettings | undefined;
  readonly dataDir: string;
  readonly log: Log;
  /** Waits before the first, second and third retry. */
  readonly retryAfterMs?: readonly number[];
}

export interface Forge {
  readonly deps: ForgeDeps;
  close(): Promise<void>;
}

export function openForge(base: FogBase, { settings, dataDir, log, retryAfterMs }: ForgeParts): Forge {
  const { store, nowMs, newId } = base;
  const forge = settings?.rules ?? (() => NO_FORGE_RULES);
  const folder = path.join(dataDir, 'forge');
  const objects = createObjectStore(path.join(folder, 'objects'));
  const models = createModels(store, objects, forge);
  const trainings = createTrainings({ store, rules: forge, nowMs, newId, ...(retryAfterMs && { retryAfterMs }) });
  const trainer = startTrainer({
    trainings,
    runPhase: phaseRunner(models, forge),
    objects,
    workFolder: path.join(folder, 'work'),
    worker: newId(),
    nowMs,
    log,
  });
  return {
    deps: { ...base, trainings, trainer, models, forge, endpoint: settings?.endpoint },
    close: () => trainer.close(),
  };
}
