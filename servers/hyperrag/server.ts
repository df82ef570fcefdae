/** HyperRAG: knowledge and memory for agents (H1–H9). Made once per process from what it needs. */
import type { VillageServer } from '../../shared/village-server.ts';
import type { HyperragDeps } from './deps.ts';
import { hyperragPrompts } from './prompts.ts';
import { hyperragResources } from './resources.ts';
import { hyperragTools } from './tools/index.ts';

export function createServer(deps: HyperragDeps): VillageServer {
  return {
    id: 'hyperrag',
    title: 'AIVillage HyperRAG',
    version: '0.1.0',
    instructions:
      'Knowledge and memory. hyperrag_ingest takes documents and files, hyperrag_query finds passages with their confidence and ' +
      'the path that led to them, hyperrag_graph walks from name to name, hyperrag_memory remembers across sessions, ' +
      'context_update and context_query share working context under a token budget. What you store is yours alone unless you ' +
      'say namespace "shared". Tell with hyperrag_feedback what was right or wrong: later confidence follows it.',
    tools: hyperragTools(deps),
    resources: hyperragResources(deps),
    prompts: hyperragPrompts(deps),
    close: deps.close,
  };
}
