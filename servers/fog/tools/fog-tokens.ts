/** The tool `fog_tokens` (F6). */
import { z } from 'zod';
import { defineTool, type Tool } from '../../../shared/tool.ts';
import type { MoneyDeps } from '../deps.ts';
import {
  agentSchema,
  fogText,
  ledgerToRead,
  MOST,
  statementLineSchema,
  toFog,
  toStatementView,
} from '../money/view.ts';

export function fogTokens({ ledger }: Pick<MoneyDeps, 'ledger'>): Tool {
  return defineTool({
    name: 'fog_tokens',
    title: 'Your FOG tokens',
    description:
      'Shows what you have: available and staked FOG and the last movements, newest first, each with the balance behind it. Choose it ' +
      'to see whether you can pay for something and what you earned. Level GOVERNANCE may ask for another agent. Amounts are FOG in ' +
      'decimals, exact.',
    input: z.strictObject({
      agent_id: agentSchema.optional().describe('Another agent; needs level GOVERNANCE'),
      limit: z.int().min(0).max(MOST.list).default(20).describe('Movements to show'),
      before: z.int().min(1).max(MOST.count).optional().describe('Movements before this `line`'),
    }),
    output: z.object({
      agent_id: z.string().max(256),
      available: fogText,
      staked: fogText,
      movements: z.array(statementLineSchema).max(MOST.list),
      treasury: fogText.describe('What rewards can be paid from'),
      supply: fogText.describe('All FOG there is'),
    }),
    annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false },
    async handler({ agent_id, limit, before }, { caller }) {
      const agentId = ledgerToRead(caller, agent_id);
      const { available, staked } = ledger.holdings(agentId);
      return {
        agent_id: agentId,
        available: toFog(available),
        staked: toFog(staked),
        movements: ledger.statement(agentId, before, limit).map(toStatementView),
        treasury: toFog(ledger.treasury()),
        supply: toFog(ledger.supply()),
      };
    },
  });
}
