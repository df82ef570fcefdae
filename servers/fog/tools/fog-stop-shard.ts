/** The tool `fog_stop_shard` (F2). */
import { z } from 'zod';
import { defineTool, type Tool } from '../../../shared/tool.ts';
import type { WorkDeps } from '../deps.ts';
import * as view from '../work/view.ts';
import { waitFor } from '../work/waiting.ts';
import { LIVE } from '../work/work.ts';

const WITHIN_MS = 8_000;

export function fogStopShard(deps: WorkDeps): Tool {
  const { work, switchboard, nowMs } = deps;
  return defineTool({
    name: 'fog_stop_shard',
    title: 'Stop an agent shard',
    description:
      'Ends a shard of yours for good: it is asked to end, and killed with all that it started when it does not. Returns when it ' +
      'is gone. A shard that is stopped already stays so.',
    input: z.strictObject({ shard_id: view.shardId }),
    output: z.object({ shard_id: view.shardId, status: view.statusSchema, detail: z.string().max(view.MOST.text) }),
    annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: true, openWorldHint: false },
    async handler({ shard_id }, { caller, signal }) {
      const row = work.shard(shard_id);
      if (row === undefined || !view.mayManage(caller, row)) throw view.noSuch('shard');
      work.cancel(row.work_id, nowMs());
      switchboard.poke();
      const ended = await waitFor(deps, row.work_id, ({ status }) => !LIVE.includes(status), WITHIN_MS, signal);
      const { status, detail } = ended ?? row;
      return { shard_id, status, detail };
    },
  });
}
