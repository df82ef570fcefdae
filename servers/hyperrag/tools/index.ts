/** HyperRAG's tools, in the order in which they are listed. */
import type { Tool } from '../../../shared/tool.ts';
import type { HyperragDeps } from '../deps.ts';
import { contextClear } from './context-clear.ts';
import { contextGet } from './context-get.ts';
import { contextQuery } from './context-query.ts';
import { contextSetPriority } from './context-set-priority.ts';
import { contextUpdate } from './context-update.ts';
import { hyperragFeedback } from './hyperrag-feedback.ts';
import { hyperragGaps } from './hyperrag-gaps.ts';
import { hyperragGraph } from './hyperrag-graph.ts';
import { hyperragIngest } from './hyperrag-ingest.ts';
import { hyperragMemory } from './hyperrag-memory.ts';
import { hyperragQuery } from './hyperrag-query.ts';
import { knowledgeElevation } from './knowledge-elevation.ts';

export function hyperragTools(deps: HyperragDeps): readonly Tool[] {
  return [
    hyperragQuery(deps),
    hyperragIngest(deps),
    hyperragMemory(deps),
    hyperragGraph(deps),
    hyperragFeedback(deps),
    hyperragGaps(deps),
    contextUpdate(deps),
    contextGet(deps),
    contextQuery(deps),
    contextSetPriority(deps),
    contextClear(deps),
    knowledgeElevation(deps),
  ];
}
