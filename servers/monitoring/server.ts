/** The monitoring server: what the machine, the router and the calls are doing, and what to do about it (O1-O5, O7). */
import type { VillageServer } from '../../shared/village-server.ts';
import type { MonitoringDeps } from './deps.ts';
import { monitoringPrompts } from './prompts.ts';
import { monitoringResources } from './resources.ts';
import { monitoringTools } from './tools/index.ts';

export function createServer(deps: MonitoringDeps): VillageServer {
  return {
    id: 'monitoring',
    title: 'AIVillage Monitoring',
    version: '0.2.0',
    instructions:
      'Watches the machine, the router and the calls. system_performance gives figures and their history, system_diagnostics what is ' +
      'wrong and what to do, monitoring_alerts what was noticed, diagnostics_report who failed at what, workflow_analyze where the ' +
      'time of a workflow went, audio_analyze the quality of sound.',
    tools: monitoringTools(deps),
    resources: monitoringResources(deps),
    prompts: monitoringPrompts(deps),
    close: () => deps.close(),
  };
}
