/** The tools of the Agent Forge, in the order in which they are listed. */
import type { Tool } from '../../../shared/tool.ts';
import type { ForgeDeps } from '../deps.ts';
import { forgePhases } from './forge-phases.ts';
import { forgeStartTraining } from './forge-start-training.ts';
import { forgeStopTraining } from './forge-stop-training.ts';
import { forgeTrainingStatus } from './forge-training-status.ts';
import { modelChat } from './model-chat.ts';
import { modelsList } from './models-list.ts';

export function forgeTools(deps: ForgeDeps): readonly Tool[] {
  return [
    forgePhases(deps),
    forgeStartTraining(deps),
    forgeTrainingStatus(deps),
    forgeStopTraining(deps),
    modelsList(deps),
    modelChat(deps),
  ];
}
