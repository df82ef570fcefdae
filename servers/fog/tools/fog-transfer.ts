/** The tool `fog_transfer` (F6). The payer is always the caller, never an argument. */
import { z } from 'zod';
import { parseFog } from '../../../shared/fog-amount.ts';
import { defineTool, type Tool } from '../../../shared/tool.ts';
import type { MoneyDeps } from '../deps.ts';
import { agentSchema, amountSchema, fogText, keySchema, MOST, toFog } from '../money/view.ts';

export function fogTransfer({ ledger, newId }: Pick<MoneyDeps, 'ledger' | 'newId'>): Tool {
  return defineTool({
    name: 'fog_transfer',
    title: 'Transfer FOG',
    description:
      'Sends FOG from your own account to another agent, at once and for good. Give an idempotency_key when you may have to send the ' +
      'call again: the same key moves the money once. Returns the position in the journal and what you have left.',
    input: z.strictObject({
      to: agentSchema.describe('The agent who gets it; take care, an unknown name is taken too'),
      amount: amountSchema.describe('FOG'),
      memo: z.string().max(200).default('').describe('What for; both can read it'),
      idempotency_key: keySchema.optional().describe('The same key moves once'),
    }),
    output: z.object({
      position: z.int().min(1).max(MOST.count),
      already_moved: z.boolean().describe('True when the key had moved it before'),
      available: fogText,
    }),
    annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: false, openWorldHint: false },
    async handler({ to, amount, memo, idempotency_key }, { caller }) {
      const { agentId } = caller;
      const moved = ledger.transfer(agentId, to, parseFog(amount), idempotency_key ?? newId(), memo.toWellFormed());
      return {
        position: moved.position,
        already_moved: !moved.isNew,
        available: toFog(ledger.holdings(agentId).available),
      };
    },
  });
}
