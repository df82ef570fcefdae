/** The fog server: work placed on real nodes, paid in a ledger (F1–F7), and the Agent Forge (J1–J3). Made once per process. */
import type { VillageServer } from '../../shared/village-server.ts';
import type { FogDeps } from './deps.ts';
import { fogPrompts } from './prompts.ts';
import { fogResources } from './resources.ts';
import { fogTools } from './tools/index.ts';

export function createServer(deps: FogDeps): VillageServer {
  return {
    id: 'fog',
    title: 'AIVillage Fog',
    version: '0.1.0',
    instructions:
      'Runs work on the machines that offer themselves. fog_resources shows what there is, deploy_agent_shard keeps an agent ' +
      'running somewhere, fog_submit_job runs one command under limits, fog_job_status tells of it. Subscribe to ' +
      'fog://jobs/{id} to hear how a job goes. Work is paid in FOG: fog_market shows what is offered, fog_request_service leases ' +
      'it, fog_tokens shows what you have. forge_phases shows what the Agent Forge can do with a model, forge_start_training ' +
      'does it, model_chat asks one.',
    tools: fogTools(deps),
    resources: fogResources(deps),
    prompts: fogPrompts(deps),
    close: deps.close,
  };
}
