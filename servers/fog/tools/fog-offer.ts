/** The tool `fog_offer` (F5). */
import { z } from 'zod';
import { AppError } from '../../../shared/errors.ts';
import { parseFog } from '../../../shared/fog-amount.ts';
import { defineTool, type Tool } from '../../../shared/tool.ts';
import type { MoneyDeps } from '../deps.ts';
import { idSchema, MOST, nodeSchema, offerSchema, priceSchema, toMb, toOfferView } from '../money/view.ts';

const MS_PER_HOUR = 3_600_000;
const NEEDED = ['node_id', 'cpu_cores', 'memory_gb', 'cpu_hour_price', 'gb_hour_price'] as const;

export function fogOffer({ market }: Pick<MoneyDeps, 'market'>): Tool {
  return defineTool({
    name: 'fog_offer',
    title: 'Offer a node',
    description:
      'Puts up a standing offer of one of your nodes in the marketplace, or withdraws one. You are paid by what is metered, at the ' +
      'prices of the offer, and only for work on a node that works for you. Running contracts go on when an offer is withdrawn. ' +
      'Returns the offer; fog_market lists all.',
    input: z.strictObject({
      action: z.enum(['offer', 'withdraw']).default('offer'),
      node_id: nodeSchema.optional().describe('The node; to offer'),
      cpu_cores: z.int().min(1).max(MOST.cores).optional().describe('To offer'),
      memory_gb: z.number().gt(0).max(MOST.memoryGb).optional().describe('To offer'),
      gpu: z.boolean().default(false),
      cpu_hour_price: priceSchema.optional().describe('FOG for an hour of one core, used in full; to offer'),
      gb_hour_price: priceSchema.optional().describe('FOG for one gigabyte held for an hour; to offer'),
      hours: z.number().gt(0).max(MOST.hours).default(24).describe('How long the offer stands'),
      offer_id: idSchema.optional().describe('To withdraw'),
    }),
    output: offerSchema,
    annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: false, openWorldHint: false },
    async handler({ action, offer_id, hours, gpu, ...given }, { caller }) {
      if (action === 'withdraw') {
        if (offer_id === undefined)
          throw new AppError('INVALID_PARAMS', { text: 'offer_id: say which offer to withdraw' });
        return toOfferView(market.withdraw(caller.agentId, offer_id));
      }
      const { node_id, cpu_cores, memory_gb, cpu_hour_price, gb_hour_price } = given;
      const lacking = NEEDED.filter((name) => given[name] === undefined);
      if (
        node_id === undefined ||
        cpu_cores === undefined ||
        memory_gb === undefined ||
        cpu_hour_price === undefined ||
        gb_hour_price === undefined
      ) {
        throw new AppError('INVALID_PARAMS', { text: `An offer needs ${lacking.join(', ')}` });
      }
      const made = market.offer(caller.agentId, {
        nodeId: node_id,
        cpuCores: cpu_cores,
        memoryMb: toMb(memory_gb),
        gpu,
        cpuHourPrice: parseFog(cpu_hour_price, 'cpu_hour_price', 0n),
        gbHourPrice: parseFog(gb_hour_price, 'gb_hour_price', 0n),
        durationMs: Math.round(hours * MS_PER_HOUR),
        isHarvested: false,
      });
      return toOfferView(made);
    },
  });
}
