/** Workflow 1: sage proposes to keep knowledge for 90 days, curator and king approve, and every server that follows is told. */
import type { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { ResourceUpdatedNotificationSchema } from '@modelcontextprotocol/sdk/types.js';
import { call, type DemoVillage } from './village.ts';
import { soon, within } from './within.ts';

const POLICIES = 'governance://policies';
const PROPOSALS = 'governance://proposals';

export async function changeRetention(village: DemoVillage, say: (text: string) => void): Promise<void> {
  const sage = await village.connect('sage');
  const curator = await village.connect('curator');
  const king = await village.connect('king');
  const toldCurator = nextUpdate(curator, PROPOSALS);
  const told = [sage, curator, king].map((client) => nextUpdate(client, POLICIES));
  await Promise.all([toldCurator.subscribed, ...told.map(({ subscribed }) => subscribed)]);
  say(`knowledge is kept for ${await retentionDays(sage)} days`);

  const proposal = await call(sage, 'governance_proposal', {
    title: 'Update Knowledge Retention Policy',
    description:
      'Thirty days lose what the village learnt in the season before. Ninety days keep it; disk use triples.',
    type: 'major_change',
    impact_assessment: { affected_systems: ['hyperrag', 'digital-twin'], risk_level: 'medium', reversible: true },
    action: { tool: 'governance_policy', arguments: { policy: 'knowledge.retention_days', value: 90 } },
  });
  const id = String(proposal.proposal_id);
  say(`sage proposes 90 days: proposal ${id}, ${String(proposal.required_votes)} approvals needed`);
  await within('curator to hear of the proposal', toldCurator.told);
  say('curator hears of it through its subscription');

  const first = await vote(curator, id, 'The disk has room for it');
  say(`curator approves: ${String(first.proposal_status)}, ${String(first.votes_needed)} more needed`);
  const second = await vote(king, id, 'Agreed');
  say(`king approves: ${String(second.proposal_status)}`);
  await within('all three to hear of the policy', Promise.all(told.map((each) => each.told)));
  say(`the action ran by itself; all three sessions are told: knowledge is kept for ${await retentionDays(king)} days`);
  say(`the proposal says so too: ${await finalStatus(sage, id)}`);
}

function vote(client: Client, id: string, reasoning: string): Promise<Record<string, unknown>> {
  return call(client, 'governance_vote', { proposal_id: id, vote: 'approve', reasoning });
}

/** The policy is set before the outcome is written down: a moment later it is. */
function finalStatus(client: Client, id: string): Promise<string> {
  return soon('the outcome of the proposal', async () => {
    const { proposal } = await call(client, 'governance_status', { proposal_id: id });
    const status = String((proposal as { proposal_status: unknown }).proposal_status);
    return status === 'approved' || status === 'executing' ? '' : status;
  });
}

async function retentionDays(client: Client): Promise<unknown> {
  const { contents } = await client.readResource({ uri: POLICIES });
  const { policies } = JSON.parse((contents[0] as { text: string }).text) as {
    policies: { policy: string; value: unknown }[];
  };
  return policies.find(({ policy }) => policy === 'knowledge.retention_days')?.value;
}

/** Subscribes, and settles `told` with the first update of that resource. */
function nextUpdate(client: Client, uri: string): { subscribed: Promise<unknown>; told: Promise<void> } {
  const { promise: told, resolve } = Promise.withResolvers<void>();
  const heard = listeners.get(client) ?? new Map<string, () => void>();
  heard.set(uri, resolve);
  if (!listeners.has(client)) {
    listeners.set(client, heard);
    client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) => heard.get(params.uri)?.());
  }
  return { subscribed: client.subscribeResource({ uri }), told };
}

const listeners = new WeakMap<Client, Map<string, () => void>>();
