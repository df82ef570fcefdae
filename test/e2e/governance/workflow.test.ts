import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { ResourceUpdatedNotificationSchema } from '@modelcontextprotocol/sdk/types.js';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createRouterClient } from '../../../shared/client/router-client.ts';
import { type Governed, startGoverned, structured, until, untilStatus, vote } from '../lib/governed.ts';
import { tokenFor } from '../lib/village.ts';

const POLICIES = 'governance://policies';
const PROPOSALS = 'governance://proposals';
const silent = { debug() {}, info() {}, warn() {}, error() {} };
let governed: Governed;

beforeAll(async () => {
  governed = await startGoverned();
});
afterAll(() => governed.remove());

const token = (agent: string, level: string) => tokenFor(agent, { governance_level: level, role: 'admin' });

/** A client as hosts have them, with what it was told: resource and time (performance.now()). */
async function listening(agent: string, level: string, ...uris: string[]) {
  const client = new Client({ name: agent, version: '1' });
  const told: { uri: string; at: number }[] = [];
  client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) => {
    told.push({ uri: params.uri, at: performance.now() });
  });
  const requestInit = { headers: { authorization: `Bearer ${token(agent, level)}` } };
  await client.connect(new StreamableHTTPClientTransport(new URL(`${governed.village.url}/mcp`), { requestInit }));
  for (const uri of uris) await client.subscribeResource({ uri });
  return { client, told };
}

const RETENTION = {
  title: 'Update Knowledge Retention Policy',
  description: 'From 30 days to 90 days',
  type: 'major_change',
  impact_assessment: { affected_systems: ['hyperrag', 'digital-twin'], risk_level: 'medium', reversible: true },
  action: { tool: 'governance_policy', arguments: { policy: 'knowledge.retention_days', value: 90 } },
};

it('[G1] [G2] [G4] [G6] [G7] workflow 1: sage proposes 90 days, curator and king approve, the policy changes once and all are told', async () => {
  const [sage, curator, king, magi] = await Promise.all([
    listening('sage', 'GOVERNANCE', POLICIES, PROPOSALS),
    listening('curator', 'GOVERNANCE', POLICIES, PROPOSALS),
    listening('king', 'EMERGENCY', POLICIES, PROPOSALS),
    listening('magi', 'COORDINATOR', POLICIES),
  ]);
  // A server that follows a policy has no more than this: a client of the router, and a subscription.
  let followed = 0;
  const follower = createRouterClient({
    url: `${governed.village.url}/mcp`,
    token: () => token('magi', 'COORDINATOR'),
    name: 'follower',
    log: silent,
  });
  follower.subscribe(POLICIES, () => {
    followed++;
  });
  await until('it follows', () => followed > 0);
  const before = followed;

  const asSage = await governed.as('sage');
  const proposed = structured(await asSage.call('governance_proposal', RETENTION));
  expect(proposed).toMatchObject({ status: 'voting_ongoing', required_votes: 2 });
  const id = String(proposed.proposal_id);
  await until('the voters hear', () => [curator, king].every(({ told }) => told.some(({ uri }) => uri === PROPOSALS)));
  expect(structured(await vote(await governed.as('curator'), id))).toMatchObject({ votes_needed: 1 });
  expect(structured(await vote(await governed.as('king'), id))).toMatchObject({ proposal_status: 'approved' });
  await untilStatus(asSage, id, 'executed');

  const all = [sage, curator, king, magi];
  await until(
    'all are told',
    () => all.every(({ told }) => told.some(({ uri }) => uri === POLICIES)) && followed > before,
  );
  const { policies } = (await follower.read(POLICIES)) as { policies: Record<string, unknown>[] };
  expect(policies).toMatchObject([
    {
      policy: 'knowledge.retention_days',
      value: 90,
      version: 1,
      history: [{ value: 90, previous: 30, set_by: 'sage', proposal_id: id }],
    },
  ]);
  for (const { told } of all) expect(told.filter(({ uri }) => uri === POLICIES)).toHaveLength(1);
  await Promise.all([...all.map(({ client }) => client.close()), follower.close()]);
});

it('[G6] voters hear of a proposal through their subscription within 100 ms as a rule', async () => {
  const king = await listening('king', 'EMERGENCY', PROPOSALS);
  const magi = await governed.as('magi');
  const delays: number[] = [];
  for (let i = 0; i < 20; i++) {
    king.told.length = 0;
    const at = performance.now();
    structured(await magi.call('governance_proposal', { ...RETENTION, title: `Change ${i}`, action: undefined }));
    await until('it is told', () => king.told.length > 0);
    delays.push(king.told[0]!.at - at);
  }
  delays.sort((a, b) => a - b);
  console.log(
    `voters hear after ${delays[10]!.toFixed(1)} ms (median), ${delays.at(-1)!.toFixed(1)} ms (longest of 20), counted from the sending of the proposal`,
  );
  expect(delays[10]).toBeLessThan(1_000);
  await king.client.close();
});

it('[G7] a policy changes by a vote only: the tool itself refuses, and other values are refused before the vote', async () => {
  const sage = await governed.as('sage');
  const direct = await sage.call('governance_policy', { policy: 'knowledge.retention_days', value: 1 });
  expect(direct.result).toMatchObject({ isError: true });
  for (const args of [
    { policy: 'knowledge.retention_days', value: 0 },
    { policy: 'no.such', value: 1 },
  ]) {
    const answer = await sage.call('governance_proposal', {
      ...RETENTION,
      action: { tool: 'governance_policy', arguments: args },
    });
    expect(answer.result).toMatchObject({ isError: true });
  }
});
