/** The monitoring server: what this machine is doing (O1). Made once per process from what it needs. */
import type { VillageServer } from '../../shared/village-server.ts';
import type { MonitoringDeps } from './deps.ts';
import { monitoringPrompts } from './prompts.ts';
import { monitoringResources } from './resources.ts';
import { monitoringTools } from './tools/index.ts';

export function createServer(deps: MonitoringDeps): VillageServer {
  return {
    id: 'monitoring',
    title: 'AIVillage Monitoring',
    version: '0.1.0',
    instructions:
      'Measures the machine that the village runs on. system_performance gives current figures and their history; ' +
      'monitoring://health says whether a limit is near.',
    tools: monitoringTools(deps),
    resources: monitoringResources(deps),
    prompts: monitoringPrompts(deps),
    async close() {
      deps.sampler.close();
    },
  };
}
