/** The tool `deploy_agent_shard` (F2). */
import { z } from 'zod';
import { AppError } from '../../../shared/errors.ts';
import { defineTool, type Tool } from '../../../shared/tool.ts';
import type { WorkDeps } from '../deps.ts';
import * as view from '../work/view.ts';
import { waitFor } from '../work/waiting.ts';
import type { WorkRow } from '../work/work-reads.ts';

/** A start takes well below a second; what has no place yet is told as queued. */
const WITHIN_MS = 5_000;

export function deployAgentShard(deps: WorkDeps): Tool {
  const { work, nodes, programs, switchboard, nowMs, newId } = deps;
  return defineTool({
    name: 'deploy_agent_shard',
    title: 'Deploy an agent shard',
    description:
      'Keeps an agent running on a fog node: started there under limits, watched, and moved when the node is gone. Without ' +
      'target_node it is placed where it fits best; discover_fog_nodes and fog_resources show the nodes. Returns when it runs, or ' +
      'after 5 seconds with the reason why it waits. A shard_id names one living shard.',
    input: z.strictObject({
      agent_type: view.programName.describe('What to run: a type that the configuration names, such as magi'),
      shard_id: view.shardId,
      target_node: view.nodeId.optional().describe('Node to run on; leave out to have it placed'),
      resource_allocation: z
        .strictObject({
          cpu_cores: view.cpuCores.default(0.5),
          memory_gb: view.memoryGb.default(0.25),
          priority: view.priority.default('normal'),
        })
        .prefault({}),
    }),
    output: z.object({
      shard_id: view.shardId,
      node_id: z.string().max(60).nullable(),
      status: view.statusSchema,
      detail: z.string().max(view.MOST.text),
    }),
    annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: false, openWorldHint: true },
    async handler({ agent_type, shard_id, target_node, resource_allocation }, { caller, signal }) {
      const known = [...programs().agents.keys()];
      if (!known.includes(agent_type)) {
        throw new AppError('INVALID_PARAMS', {
          text: `agent_type: expected one of ${known.join(', ') || 'none'}, which are configured`,
        });
      }
      if (target_node !== undefined && nodes.get(target_node)?.state !== 'up') {
        throw new AppError('INVALID_PARAMS', {
          text: 'target_node: no node of this id is up; fog_resources lists those that are',
        });
      }
      const { cpu_cores, memory_gb, priority } = resource_allocation;
      const ordered = work.order(
        {
          workId: newId(),
          kind: 'shard',
          label: shard_id,
          agent: caller.agentId,
          program: `agent:${agent_type}`,
          args: [],
          cpuCores: cpu_cores,
          memoryGb: memory_gb,
          gpu: false,
          wallSeconds: 0,
          priority: view.toPriority(priority),
          targetNode: target_node,
          maxPriceMicro: undefined,
        },
        nowMs(),
      );
      switchboard.poke();
      // What no node can hold waits in vain: that is told at once.
      const mayStart = () => nodes.list(['up']).length > 0 && !view.isHopeless(ordered, nodes);
      const settled = ({ status }: WorkRow) => status !== 'placed' && (status !== 'queued' || !mayStart());
      const row = (await waitFor(deps, ordered.work_id, settled, WITHIN_MS, signal)) ?? ordered;
      const detail = view.detailOf(row, nodes);
      return { shard_id, node_id: row.node_id, status: row.status, detail };
    },
  });
}
