/** The tools of nodes, shards and jobs, in the order in which they are listed. */
import type { Tool } from '../../../shared/tool.ts';
import type { WorkDeps } from '../deps.ts';
import { deployAgentShard } from './deploy-agent-shard.ts';
import { fogCancelJob } from './fog-cancel-job.ts';
import { fogJobStatus } from './fog-job-status.ts';
import { fogResources } from './fog-resources.ts';
import { fogShards } from './fog-shards.ts';
import { fogStopShard } from './fog-stop-shard.ts';
import { fogSubmitJob } from './fog-submit-job.ts';

export function workTools(deps: WorkDeps): readonly Tool[] {
  return [
    fogResources(deps),
    deployAgentShard(deps),
    fogShards(deps),
    fogStopShard(deps),
    fogSubmitJob(deps),
    fogJobStatus(deps),
    fogCancelJob(deps),
  ];
}
