/** The resources of ledger and market: a caller's contracts and its ledger; both tell of changes. Another's are unknown. */
import { z } from 'zod';
import type { Caller } from '../../../shared/identity/caller.ts';
import { unknownTarget } from '../../../shared/request.ts';
import { defineResource, defineResourceTemplate, type Resource } from '../../../shared/resource.ts';
import type { MoneyDeps } from '../deps.ts';
import { agentSchema, maySee, toContractView, toFog, toStatementView } from './view.ts';

const NEWEST = 50;

export function moneyResources({ ledger, market, watches }: MoneyDeps): readonly Resource[] {
  const refuseOthers = (caller: Caller, agent: string): void => {
    if (!maySee(caller, agent)) throw unknownTarget({ kind: 'resource', uri: `fog://ledger/${agent}` });
  };
  const contractsOf = ({ agentId }: Caller) => market.contracts({ agentId, limit: NEWEST }).map(toContractView);

  return [
    defineResource({
      uri: 'fog://contracts',
      name: 'contracts',
      title: 'Your contracts',
      description: `Your newest ${NEWEST} contracts as consumer or provider, with what was metered on them. Updated with every change.`,
      mimeType: 'application/json',
      read: async ({ caller }) => ({ json: { contracts: contractsOf(caller) } }),
      watch: (onUpdate, { caller }) => watches.watch(() => JSON.stringify(contractsOf(caller)), onUpdate),
    }),
    defineResourceTemplate({
      uriTemplate: 'fog://ledger/{agent}',
      variables: z.strictObject({ agent: agentSchema }),
      name: 'ledger',
      title: 'The ledger of an agent',
      description:
        'What an agent has, and its newest movements of FOG. You see your own; level GOVERNANCE sees all. Updated with every movement.',
      mimeType: 'application/json',
      async read({ agent }, { caller }) {
        refuseOthers(caller, agent);
        const { available, staked } = ledger.holdings(agent);
        const movements = ledger.statement(agent, undefined, NEWEST).map(toStatementView);
        return { json: { agent_id: agent, available: toFog(available), staked: toFog(staked), movements } };
      },
      watch(onUpdate, { agent }, { caller }) {
        refuseOthers(caller, agent);
        return watches.watch(() => ledger.stampOf(agent), onUpdate);
      },
    }),
  ];
}
