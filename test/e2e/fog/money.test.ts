import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { CreateMessageRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { RawSession, textOf } from '../lib/raw-client.ts';
import { LAUNCHER, tokenFor, Village } from '../lib/village.ts';

const AGENTS = {
  king: { level: 'EMERGENCY', role: 'admin' },
  sage: { level: 'GOVERNANCE', role: 'admin' },
  curator: { level: 'GOVERNANCE', role: 'admin' },
  magi: { level: 'COORDINATOR', role: 'developer' },
  oracle: { level: 'COORDINATOR', role: 'developer' },
  scribe: { level: 'READ_ONLY', role: 'user' },
} as const;
type Agent = keyof typeof AGENTS;
type Json = Record<string, unknown>;

let village: Village;

beforeAll(async () => {
  const server = (id: string) => ({ command: 'node', args: [LAUNCHER, 'serve', id] });
  village = await Village.start({
    config: {
      mcpServers: { fog: server('fog'), governance: server('governance') },
      agents: AGENTS,
      economy: {
        issuance: [
          { id: 'treasury', to: 'treasury', amount: 1_000 },
          { id: 'magi', to: 'agent:magi', amount: '100' },
        ],
      },
    },
  });
});
afterAll(() => village.remove());

const claims = (agent: Agent) => ({ governance_level: AGENTS[agent].level, role: AGENTS[agent].role });

async function open(agent: Agent): Promise<RawSession> {
  const session = await RawSession.open(village.url, tokenFor(agent, claims(agent)));
  await session.listed('fog_tokens');
  return session;
}

async function call(session: RawSession, tool: string, args: Json = {}): Promise<Json> {
  const answer = await session.call(tool, args);
  const text = textOf(answer);
  if (text === undefined || !text.startsWith('{')) throw new Error(text ?? JSON.stringify(answer));
  return JSON.parse(text) as Json;
}

describe('through the router', () => {
  it("[F6] money is the caller's by its token; what was paid is on both ledgers, and the audit has the call", async () => {
    const [magi, oracle] = [await open('magi'), await open('oracle')];
    expect(await call(magi, 'fog_tokens')).toMatchObject({ agent_id: 'magi', available: '100', treasury: '1000' });
    await call(magi, 'fog_transfer', { to: 'oracle', amount: 2.5, memo: 'for the answer' });
    expect(await call(oracle, 'fog_tokens')).toMatchObject({
      available: '2.5',
      movements: [{ memo: 'for the answer' }],
    });
    await expect(call(oracle, 'fog_tokens', { agent_id: 'magi' })).rejects.toThrow(/Unknown ledger/);
    await expect(call(oracle, 'fog_transfer', { to: 'magi', amount: -1 })).rejects.toThrow(/amount/);
    const records = await village.audit();
    expect(records.filter((record) => JSON.stringify(record).includes('fog_transfer')).length).toBeGreaterThanOrEqual(
      2,
    );
    expect(JSON.stringify(records)).not.toContain('for the answer');
  });

  it('[M1] READ_ONLY looks, and moves nothing', async () => {
    const names = await (await open('scribe')).names();
    expect(names).toEqual(expect.arrayContaining(['fog_tokens', 'fog_market', 'forge_phases', 'models_list']));
    for (const name of [
      'fog_transfer',
      'fog_stake',
      'fog_offer',
      'fog_request_service',
      'forge_start_training',
      'model_chat',
    ]) {
      expect(names).not.toContain(name);
    }
  });

  it('[F5] [G4] a dispute is voted on, and the approval itself divides the escrow', async () => {
    const [magi, oracle] = [await open('magi'), await open('oracle')];
    const [sage, curator] = [await open('sage'), await open('curator')];
    await sage.listed('governance_vote');
    const before = String((await call(magi, 'fog_tokens')).available);
    const node = { node_id: 'node-1', cpu_cores: 2, memory_gb: 2, cpu_hour_price: 4, gb_hour_price: 0 };
    await call(oracle, 'fog_offer', node);
    const request = { requirements: { cpu_cores: 1, memory_gb: 1 }, hours: 2, max_price: 10, idempotency_key: 'one' };
    const { contract_id, escrow } = await call(magi, 'fog_request_service', request);
    expect(escrow).toBe('8');
    const dispute = { action: 'dispute', contract_id, reason: 'The node was never reachable' };
    const { contracts } = (await call(magi, 'fog_contracts', dispute)) as { contracts: { proposal_id: string }[] };
    const { proposal_id } = contracts[0]!;
    // Nobody takes the short way.
    const verdict = { contract_id, provider_percent: 100, reason: 'mine' };
    const parked = await oracle.call('fog_resolve_dispute', verdict);
    expect(JSON.stringify(parked)).toContain('needs a vote and has not run');
    for (const voter of [sage, curator]) {
      await call(voter, 'governance_vote', { proposal_id, vote: 'approve', reasoning: 'It was down' });
    }
    const state = async () => ((await call(magi, 'fog_contracts', { contract_id })).contracts as Json[])[0]!;
    await expect.poll(async () => (await state()).status, { timeout: 20_000 }).toBe('settled');
    expect(await state()).toMatchObject({ paid: '0', reason: 'The node was never reachable' });
    expect((await call(magi, 'fog_tokens')).available).toBe(before);
  });

  it('[J2] a model is asked by the client that calls, and a client without one hears that there is none', async () => {
    const connect = async (capabilities: { sampling?: object }): Promise<Client> => {
      const client = new Client({ name: 'chat', version: '1' }, { capabilities });
      if (capabilities.sampling) {
        client.setRequestHandler(CreateMessageRequestSchema, async () => ({
          role: 'assistant',
          content: { type: 'text', text: 'from the client' },
          model: 'client-model',
        }));
      }
      const headers = { authorization: `Bearer ${tokenFor('magi', claims('magi'))}` };
      const url = new URL(`${village.url}/mcp`);
      await client.connect(new StreamableHTTPClientTransport(url, { requestInit: { headers } }));
      onTestFinished(() => client.close());
      return client;
    };
    const args = { name: 'model_chat', arguments: { messages: [{ role: 'user', content: 'Hello' }] } };
    const able = await connect({ sampling: {} });
    expect((await able.callTool(args)).structuredContent).toMatchObject({ text: 'from the client', via: 'sampling' });
    const unable = await connect({});
    const refused = await unable.callTool(args);
    expect(refused.isError).toBe(true);
    expect(JSON.stringify(refused.content)).toContain('no model to ask');
  });

  it('[F6] [X1] what is issued follows the configuration, once for each id', async () => {
    const magi = await open('magi');
    const before = Number((await call(magi, 'fog_tokens')).supply);
    const { default: fs } = await import('node:fs');
    const config = JSON.parse(fs.readFileSync(village.configFile, 'utf8')) as { economy: { issuance: object[] } };
    config.economy.issuance.push({ id: 'later', to: 'agent:magi', amount: 5 });
    village.reconfigure(config);
    await expect
      .poll(async () => Number((await call(magi, 'fog_tokens')).supply), { timeout: 15_000 })
      .toBe(before + 5);
  });
});
