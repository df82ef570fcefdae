/** The tool `fog_stake` (F6). */
import { z } from 'zod';
import { AppError } from '../../../shared/errors.ts';
import { formatFog, parseFog } from '../../../shared/fog-amount.ts';
import { defineTool, type Tool } from '../../../shared/tool.ts';
import type { MoneyDeps } from '../deps.ts';
import { amountSchema, fogText, keySchema, toFog } from '../money/view.ts';

export function fogStake({
  ledger,
  market,
  store,
  newId,
}: Pick<MoneyDeps, 'ledger' | 'market' | 'store' | 'newId'>): Tool {
  return defineTool({
    name: 'fog_stake',
    title: 'Stake FOG',
    description:
      'Puts FOG of your own aside as a pledge, or takes it back. A stake lets you offer nodes where the village asks for one, and ' +
      'decides between equal offers. What offers and contracts of yours need stays staked. Returns what you have afterwards.',
    input: z.strictObject({
      action: z.enum(['stake', 'unstake']).default('stake'),
      amount: amountSchema.describe('FOG'),
      idempotency_key: keySchema.optional().describe('The same key moves once'),
    }),
    output: z.object({ available: fogText, staked: fogText }),
    annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: false, openWorldHint: false },
    async handler({ action, amount, idempotency_key }, { caller }) {
      const { agentId } = caller;
      const micro = parseFog(amount);
      const key = idempotency_key ?? newId();
      store.transaction(() => {
        if (action === 'stake') return ledger.stake(agentId, micro, key);
        const most = market.unstakeable(agentId);
        if (micro > most) {
          throw new AppError('CONFLICT', {
            text: `At most ${formatFog(most)} FOG can be unstaked now: the rest is not staked, or bound by your offers and contracts`,
            data: { status: 'stake_bound' },
          });
        }
        return ledger.unstake(agentId, micro, key);
      });
      const { available, staked } = ledger.holdings(agentId);
      return { available: toFog(available), staked: toFog(staked) };
    },
  });
}
