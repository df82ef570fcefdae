/** The tool `fog_request_service` (F5). */
import { z } from 'zod';
import { parseFog } from '../../../shared/fog-amount.ts';
import { defineTool, type Tool } from '../../../shared/tool.ts';
import type { MoneyDeps } from '../deps.ts';
import {
  amountSchema,
  contractSchema,
  keySchema,
  MOST,
  requirementsSchema,
  toContractView,
  toMb,
} from '../money/view.ts';

const MS_PER_HOUR = 3_600_000;

export function fogRequestService({ market, newId }: Pick<MoneyDeps, 'market' | 'newId'>): Tool {
  return defineTool({
    name: 'fog_request_service',
    title: 'Request computing',
    description:
      'Leases computing from the best standing offer: the cheapest that has what you need, then the one that fits best. What it can ' +
      'cost at most is locked from your account; your work on that node during the lease is metered, at its end the provider is paid ' +
      'for that, and the rest comes back. Returns the contract, or says what the cheapest would cost.',
    input: z.strictObject({
      requirements: requirementsSchema,
      hours: z.number().gt(0).max(MOST.hours).describe('How long you need it'),
      max_price: amountSchema.describe('FOG that the whole lease may cost at most'),
      idempotency_key: keySchema.optional().describe('The same key gives the same contract, once'),
    }),
    output: contractSchema,
    annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: false, openWorldHint: false },
    async handler({ requirements, hours, max_price, idempotency_key }, { caller }) {
      return toContractView(
        market.request(caller.agentId, {
          key: idempotency_key ?? newId(),
          requirements: {
            cpuCores: requirements.cpu_cores,
            memoryMb: toMb(requirements.memory_gb),
            gpu: requirements.gpu_required,
          },
          durationMs: Math.round(hours * MS_PER_HOUR),
          maxPrice: parseFog(max_price, 'max_price'),
        }),
      );
    },
  });
}
