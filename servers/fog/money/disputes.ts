/**
 * Brings disputes before governance: the contract stands still, then a proposal is made by way of the router whose action
 * divides the escrow (`fog_resolve_dispute`). Decides no dispute itself.
 */
import { z } from 'zod';
import { AppError } from '../../../shared/errors.ts';
import { formatFog } from '../../../shared/fog-amount.ts';
import type { ContractState, Market } from './market.ts';

/** Calls a tool of the village under this server's own name. */
export type CallVillage = (tool: string, args: Readonly<Record<string, unknown>>) => Promise<unknown>;

export interface Disputes {
  /** @throws AppError UNAVAILABLE kinds of the router; the contract then stays disputed, and sending it again proposes again */
  open(agentId: string, contractId: string, reason: string): Promise<ContractState>;
}

const proposalSchema = z.looseObject({ proposal_id: z.string().min(1).max(256) });

/** @param call undefined when this server runs without a router: then nothing can be disputed */
export function createDisputes(market: Market, call: CallVillage | undefined): Disputes {
  return {
    async open(agentId, contractId, reason) {
      if (call === undefined) {
        throw new AppError('CONFLICT', {
          text: 'Disputes are decided by governance, and this server runs without a router. Nothing was changed.',
          data: { status: 'no_governance' },
        });
      }
      const contract = market.dispute(agentId, contractId, reason);
      if (contract.proposalId !== null) return contract;
      const answer = proposalSchema.parse(await call('governance_proposal', proposalOf(contract, agentId, reason)));
      market.noteProposal(contractId, answer.proposal_id);
      return market.contract(agentId, contractId);
    },
  };
}

/** What is put to the vote is the claim of the one who disputes; who thinks otherwise rejects it. */
function proposalOf(contract: ContractState, agentId: string, reason: string): Record<string, unknown> {
  const { id, consumer, provider, escrow, cost } = contract;
  const isConsumer = agentId === consumer;
  const share = isConsumer ? 0 : 100;
  return {
    title: `Dispute of ${id}`,
    description:
      `${agentId} (${isConsumer ? 'consumer' : 'provider'}) disputes this contract: ${reason}\n\n` +
      `Consumer ${consumer}, provider ${provider}. Escrow ${formatFog(escrow)} FOG, metered so far ${formatFog(cost)} FOG. ` +
      `If approved, ${share} % of the escrow goes to the provider and the rest to the consumer. If rejected, it stays disputed until ` +
      'somebody proposes fog_resolve_dispute with another share.',
    type: 'major_change',
    impact_assessment: { affected_systems: ['fog'], risk_level: 'low', reversible: false },
    action: {
      tool: 'fog_resolve_dispute',
      arguments: { contract_id: id, provider_percent: share, reason: reason.slice(0, 300) },
    },
  };
}
