/** The tool `fog_market` (F5). */
import { z } from 'zod';
import { defineTool, type Tool } from '../../../shared/tool.ts';
import type { MoneyDeps } from '../deps.ts';
import { fogText, MOST, offerSchema, toFog, toMb, toOfferView } from '../money/view.ts';

export function fogMarket({ market, economy }: Pick<MoneyDeps, 'market' | 'economy'>): Tool {
  return defineTool({
    name: 'fog_market',
    title: 'Look at the market',
    description:
      'Lists the standing offers of computing in the village, with what is free of each and its prices. Look here before ' +
      'fog_request_service to know what something costs. Returns offers, the cheapest core first, and the usual prices.',
    input: z.strictObject({
      min_cpu_cores: z.int().min(0).max(MOST.cores).default(0).describe('Free cores'),
      min_memory_gb: z.number().min(0).max(MOST.memoryGb).default(0).describe('Free memory'),
      gpu_required: z.boolean().default(false),
      limit: z.int().min(1).max(MOST.list).default(100),
    }),
    output: z.object({
      offers: z.array(offerSchema).max(MOST.list),
      usual_prices: z.object({ cpu_hour: fogText, gb_hour: fogText }),
    }),
    annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false },
    async handler({ min_cpu_cores, min_memory_gb, gpu_required, limit }) {
      const offers = market
        .offers()
        .filter(
          (offer) =>
            offer.freeCores >= min_cpu_cores &&
            offer.freeMemoryMb >= toMb(min_memory_gb) &&
            (offer.gpu || !gpu_required),
        )
        .sort((a, b) => (a.cpuHourPrice < b.cpuHourPrice ? -1 : a.cpuHourPrice > b.cpuHourPrice ? 1 : 0));
      const { prices } = economy();
      return {
        offers: offers.slice(0, limit).map(toOfferView),
        usual_prices: { cpu_hour: toFog(prices.cpuHour), gb_hour: toFog(prices.gbHour) },
      };
    },
  });
}
