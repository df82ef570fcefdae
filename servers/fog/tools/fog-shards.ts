/** The tool `fog_shards` (F2). */
import { z } from 'zod';
import { LEVELS } from '../../../shared/identity/levels.ts';
import { defineTool, type Tool } from '../../../shared/tool.ts';
import type { WorkDeps } from '../deps.ts';
import * as view from '../work/view.ts';
import { LIVE } from '../work/work.ts';

const MOST_SHARDS = 200;

export function fogShards(deps: WorkDeps): Tool {
  const { work, switchboard } = deps;
  return defineTool({
    name: 'fog_shards',
    title: 'Agent shards',
    description:
      'Lists your shards with the node each runs on, what it used, what it printed last, and every lease that it had: so you see ' +
      'where it moved from and why. Level GOVERNANCE sees those of all.',
    input: z.strictObject({
      shard_id: view.shardId.optional().describe('Only this one'),
      include_ended: z.boolean().default(false).describe('Also shards that were stopped or given up'),
    }),
    output: z.object({ shards: z.array(view.shardSchema).max(MOST_SHARDS) }),
    annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false },
    async handler({ shard_id, include_ended }, { caller }) {
      const filter = {
        ...(caller.level < LEVELS.GOVERNANCE && { agent: caller.agentId }),
        ...(!include_ended && { statuses: LIVE }),
      };
      const one = shard_id === undefined ? undefined : work.shard(shard_id);
      const rows = shard_id === undefined ? work.list('shard', filter, MOST_SHARDS) : one === undefined ? [] : [one];
      return {
        shards: rows
          .filter((row) => view.mayManage(caller, row))
          .map((row) =>
            view.toShardView(
              row,
              deps,
              switchboard.tailOf(row.work_id) ?? work.output(row.work_id)?.stdout.slice(-4_096) ?? '',
            ),
          ),
      };
    },
  });
}
