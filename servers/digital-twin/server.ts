/** The digital twin: each person's private memory (T1–T7). Made once per process from what it needs. */
import type { VillageServer } from '../../shared/village-server.ts';
import type { TwinDeps } from './deps.ts';
import { twinPrompts } from './prompts.ts';
import { twinResources } from './resources.ts';
import { twinTools } from './tools/index.ts';

export function createServer(deps: TwinDeps): VillageServer {
  return {
    id: 'digital-twin',
    title: 'AIVillage Digital Twin',
    version: '0.1.0',
    instructions:
      "Each caller's own private memory, encrypted, that nobody else reads. twin_observe tells it what happened, mini_rag_query asks it, " +
      'twin_preferences says what the person wants and when. Nothing leaves without twin_consent; twin_elevate then makes sure, anonymous ' +
      'knowledge known to all. privacy_scan takes personal data out of any text; twin_export and twin_erase are the person’s rights.',
    tools: twinTools(deps),
    resources: twinResources(deps),
    prompts: twinPrompts(deps),
    close: deps.close,
  };
}
