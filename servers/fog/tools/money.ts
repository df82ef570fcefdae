/** The tools of ledger, market and harvesting, in the order in which they are listed. */
import type { Tool } from '../../../shared/tool.ts';
import type { MoneyDeps } from '../deps.ts';
import { fogContracts } from './fog-contracts.ts';
import { fogHarvesting } from './fog-harvesting.ts';
import { fogMarket } from './fog-market.ts';
import { fogOffer } from './fog-offer.ts';
import { fogRequestService } from './fog-request-service.ts';
import { fogResolveDispute } from './fog-resolve-dispute.ts';
import { fogStake } from './fog-stake.ts';
import { fogTokens } from './fog-tokens.ts';
import { fogTransfer } from './fog-transfer.ts';

export function moneyTools(deps: MoneyDeps): readonly Tool[] {
  return [
    fogOffer(deps),
    fogMarket(deps),
    fogRequestService(deps),
    fogContracts(deps),
    fogResolveDispute(deps),
    fogTokens(deps),
    fogStake(deps),
    fogTransfer(deps),
    fogHarvesting(deps),
  ];
}
