/** The tool `fog_resolve_dispute` (F5): gated by the matrix, so that it runs only when governance approved it. */
import { z } from 'zod';
import { AppError } from '../../../shared/errors.ts';
import { defineTool, type Tool } from '../../../shared/tool.ts';
import type { MoneyDeps } from '../deps.ts';
import { contractSchema, idSchema, toContractView } from '../money/view.ts';

export function fogResolveDispute({ market }: Pick<MoneyDeps, 'market'>): Tool {
  return defineTool({
    name: 'fog_resolve_dispute',
    title: 'Resolve a dispute',
    description:
      'Divides the escrow of a disputed contract between provider and consumer and settles it. It needs the approval of governance: ' +
      'the call becomes a proposal. Use it when a dispute was rejected, or when another share is fairer. Returns the contract.',
    input: z.strictObject({
      contract_id: idSchema.describe('A contract that is disputed'),
      provider_percent: z.int().min(0).max(100).describe('Of the escrow; the rest goes back to the consumer'),
      reason: z.string().trim().min(1).max(500).describe('Why this is fair'),
    }),
    output: contractSchema,
    annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: false, openWorldHint: false },
    async handler({ contract_id, provider_percent, reason }, { caller }) {
      // The router parks the call for a vote; a server that is reached without it must not be the way around.
      if (caller.actor === undefined) {
        throw new AppError('APPROVAL_REQUIRED', {
          text: 'A dispute is resolved only by a proposal that governance approved; call it by way of the router',
        });
      }
      return toContractView(market.resolve(contract_id, provider_percent, reason));
    },
  });
}
