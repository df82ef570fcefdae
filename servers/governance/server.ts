/** The governance server: proposals, votes and policies (G1–G8). Made once per process from what it needs. */
import type { VillageServer } from '../../shared/village-server.ts';
import type { GovernanceDeps } from './deps.ts';
import { governancePrompts } from './prompts.ts';
import { governanceResources } from './resources.ts';
import { governanceTools } from './tools/index.ts';

export function createServer(deps: GovernanceDeps): VillageServer {
  return {
    id: 'governance',
    title: 'AIVillage Governance',
    version: '0.1.0',
    instructions:
      'Decides what one agent must not decide alone. governance_proposal puts a change to the vote, governance_vote votes, ' +
      'governance_status shows what is open and what was decided; an approved action runs by itself, once. Subscribe to ' +
      'governance://proposals to hear of new proposals.',
    tools: governanceTools(deps),
    resources: governanceResources(deps),
    prompts: governancePrompts(deps),
    close: deps.close,
  };
}
