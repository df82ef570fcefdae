/** Proposals as `governance_status` tells of them. */
import { z } from 'zod';
import type { VillageClient } from '../../../client/index.ts';

export const PROPOSALS_URI = 'governance://proposals';

const summary = z.looseObject({
  proposal_id: z.string(),
  title: z.string(),
  type: z.string(),
  proposal_status: z.string(),
  proposer: z.string(),
  approvals: z.number(),
  rejections: z.number(),
  required_votes: z.number(),
  voting_deadline: z.string(),
  action_tool: z.string().nullable(),
  you_may_vote: z.boolean(),
});
const detail = summary.extend({
  description: z.string(),
  impact_assessment: z.looseObject({
    affected_systems: z.array(z.string()),
    risk_level: z.string(),
    reversible: z.boolean(),
  }),
  votes: z.array(z.looseObject({ voter: z.string(), vote: z.string(), reasoning: z.string(), voted_at: z.string() })),
  action_arguments: z.string().nullable(),
  result: z.string().nullable(),
});
const schema = z.looseObject({ proposal: detail.nullable(), proposals: z.array(summary) });

export type Summary = z.output<typeof summary>;
export type Detail = z.output<typeof detail>;

export async function proposals(client: VillageClient, status?: string): Promise<Summary[]> {
  return schema.parse(
    await client.call('governance_status', status === undefined ? { limit: 50 } : { status, limit: 50 }),
  ).proposals;
}

export async function proposal(client: VillageClient, id: string): Promise<Detail | undefined> {
  return schema.parse(await client.call('governance_status', { proposal_id: id })).proposal ?? undefined;
}
