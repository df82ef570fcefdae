/** The tool `fog_contracts` (F5). */
import { z } from 'zod';
import { AppError } from '../../../shared/errors.ts';
import { defineTool, type Tool } from '../../../shared/tool.ts';
import type { MoneyDeps } from '../deps.ts';
import { contractSchema, contractStatusSchema, idSchema, MOST, seesAll, toContractView } from '../money/view.ts';

export function fogContracts({ market, disputes }: Pick<MoneyDeps, 'market' | 'disputes'>): Tool {
  return defineTool({
    name: 'fog_contracts',
    title: 'Contracts',
    description:
      'Shows your contracts with what was metered on them, ends one, or disputes one. `finish` by the consumer settles at once; by ' +
      'the provider it ends the lease. `dispute` stops the settlement and puts the contract to the vote of governance, which divides ' +
      'the escrow. Returns the contracts it is about.',
    input: z.strictObject({
      action: z.enum(['list', 'finish', 'dispute']).default('list'),
      contract_id: idSchema.optional().describe('One contract; to finish and to dispute'),
      status: contractStatusSchema.optional().describe('To list'),
      reason: z.string().trim().min(1).max(500).optional().describe('What is wrong; to dispute'),
      all_agents: z.boolean().default(false).describe('Those of everybody; from level GOVERNANCE on'),
      limit: z.int().min(1).max(MOST.list).default(50),
    }),
    output: z.object({ contracts: z.array(contractSchema).max(MOST.list) }),
    annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: false, openWorldHint: false },
    async handler({ action, contract_id, status, reason, all_agents, limit }, { caller }) {
      const { agentId } = caller;
      if (action === 'list') {
        const whose = seesAll(caller) && (all_agents || contract_id !== undefined) ? undefined : agentId;
        if (all_agents && !seesAll(caller)) {
          throw new AppError('FORBIDDEN', { text: 'all_agents needs level GOVERNANCE; leave it out for your own' });
        }
        const found =
          contract_id === undefined
            ? market.contracts({ agentId: whose, status, limit })
            : [market.contract(whose, contract_id)];
        return { contracts: found.map(toContractView) };
      }
      if (contract_id === undefined) throw new AppError('INVALID_PARAMS', { text: 'contract_id: say which contract' });
      if (action === 'finish') return { contracts: [toContractView(market.finish(agentId, contract_id))] };
      if (reason === undefined) throw new AppError('INVALID_PARAMS', { text: 'reason: say what is wrong' });
      return { contracts: [toContractView(await disputes.open(agentId, contract_id, reason))] };
    },
  });
}
