/** The tool `fog_harvesting` (F7). */
import { z } from 'zod';
import { AppError } from '../../../shared/errors.ts';
import { defineTool, type Tool } from '../../../shared/tool.ts';
import type { MoneyDeps } from '../deps.ts';
import { fogText, harvestSchema, MOST, nodeSchema, toFog, toHarvestView } from '../money/view.ts';

const count = z.number().min(0).max(MOST.count);

export function fogHarvesting({
  harvester,
  marketStore,
  economy,
}: Pick<MoneyDeps, 'harvester' | 'marketStore' | 'economy'>): Tool {
  return defineTool({
    name: 'fog_harvesting',
    title: 'Harvest idle time',
    description:
      'Lets the machine of this server work for others while it is idle, on power and in its hours: then it offers itself, and rewards ' +
      'follow the work that is done. `start` and `stop` it for a node of yours, `status` shows whether it harvests now, why, and what ' +
      'it earned. The rules stand in the configuration.',
    input: z.strictObject({
      action: z.enum(['status', 'start', 'stop']).default('status'),
      node_id: nodeSchema.optional().describe('A node of yours on this machine; to start and to stop'),
    }),
    output: z.object({
      nodes: z.array(harvestSchema).max(MOST.list),
      earned: z.object({ runs: count, cpu_seconds: count, paid: fogText, due: fogText }),
      rules: z.object({
        idle_minutes: count,
        max_load_percent: count,
        needs_power: z.boolean(),
        hours: z.array(z.string().max(11)).max(48),
      }),
    }),
    annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: true, openWorldHint: false },
    async handler({ action, node_id }, { caller }) {
      const { agentId } = caller;
      if (action !== 'status') {
        if (node_id === undefined) throw new AppError('INVALID_PARAMS', { text: 'node_id: say which node of yours' });
        harvester[action](agentId, node_id);
        if (action === 'start') await harvester.look();
      }
      const { runs, cpuMs, paid, due } = marketStore.earned(agentId, true);
      const { harvesting } = economy();
      return {
        nodes: harvester.of(agentId).slice(0, MOST.list).map(toHarvestView),
        earned: { runs, cpu_seconds: cpuMs / 1_000, paid: toFog(paid), due: toFog(due) },
        rules: {
          idle_minutes: harvesting.idleMs / 60_000,
          max_load_percent: harvesting.maxLoadPercent,
          needs_power: harvesting.needsPower,
          hours: harvesting.hours.map(({ from, until }) => `${clock(from)}-${clock(until)}`),
        },
      };
    },
  });
}

function clock(minutes: number): string {
  return `${String(Math.floor(minutes / 60)).padStart(2, '0')}:${String(minutes % 60).padStart(2, '0')}`;
}
