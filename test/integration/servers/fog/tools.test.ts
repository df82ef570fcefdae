import fs from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { InMemoryTransport } from '@modelcontextprotocol/sdk/inMemory.js';
import { CreateMessageRequestSchema, ResourceUpdatedNotificationSchema } from '@modelcontextprotocol/sdk/types.js';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { open } from '../../../../servers/fog/main.ts';
import { readEconomyRules } from '../../../../shared/economy-rules.ts';
import { NO_FORGE_RULES } from '../../../../shared/forge-rules.ts';
import type { Caller } from '../../../../shared/identity/caller.ts';
import { LEVELS } from '../../../../shared/identity/levels.ts';
import { openSession, type VillageServer } from '../../../../shared/village-server.ts';
import { readVotingRules } from '../../../../shared/voting-rules.ts';
import { ECONOMY, silent } from '../../../fixtures/fog/economy.ts';
import { newFolder } from '../../../fixtures/fog/money.ts';
import { floats, writeModel } from '../../../fixtures/fog/tensors.ts';

type Json = Record<string, unknown>;

let server: VillageServer;
/** The folder that the forge takes models from. */
let models: string;
let endpoint: { url: string; apiKey: string | undefined; model: string | undefined } | undefined;

async function start(): Promise<void> {
  const dataDir = newFolder();
  const rules = readEconomyRules(ECONOMY);
  const votingRules = readVotingRules(undefined);
  server = await open({
    log: silent,
    dataDir,
    votingRules: () => votingRules,
    router: undefined,
    economy: () => rules,
    forge: { rules: () => ({ ...NO_FORGE_RULES, models: [models] }), endpoint },
  });
  models = path.join(dataDir, 'models');
  fs.mkdirSync(models);
  onTestFinished(async () => {
    await server.close();
    fs.rmSync(dataDir, { recursive: true, force: true });
  });
}

beforeEach(async () => {
  endpoint = undefined;
});

/** Subscribes. @returns what waits for the next update */
async function watched(client: Client, uri: string): Promise<() => Promise<void>> {
  const { promise, resolve } = Promise.withResolvers<void>();
  waiting.set(uri, resolve);
  client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) => waiting.get(params.uri)?.());
  await client.subscribeResource({ uri });
  return () => promise;
}
const waiting = new Map<string, () => void>();

async function session(
  agentId: string,
  more: Partial<Caller> = {},
  sampling?: (text: string) => string,
): Promise<Client> {
  const caller: Caller = {
    agentId,
    role: 'user',
    level: LEVELS.OPERATOR,
    permissions: [],
    tokenId: agentId,
    expiresAt: 4e9,
    ...more,
  };
  const [near, far] = InMemoryTransport.createLinkedPair();
  const gate = { callerOf: async () => caller, authorize() {}, listsAreFiltered: true, log: silent };
  await openSession(server, gate).connect(far);
  const client = new Client({ name: 'test', version: '1' }, { capabilities: sampling ? { sampling: {} } : {} });
  if (sampling) {
    client.setRequestHandler(CreateMessageRequestSchema, async ({ params }) => {
      const [first] = params.messages;
      const content = first?.content;
      const asked = content && !Array.isArray(content) && content.type === 'text' ? content.text : '';
      const text = sampling(asked);
      return { role: 'assistant', content: { type: 'text', text }, model: 'of the client', stopReason: 'endTurn' };
    });
  }
  await client.connect(near);
  onTestFinished(() => client.close());
  return client;
}

async function call(client: Client, name: string, args: Json = {}): Promise<Json> {
  const result = await client.callTool({ name, arguments: args });
  if (result.isError === true) throw new Error((result.content as [{ text: string }])[0].text);
  return result.structuredContent as Json;
}

async function read(client: Client, uri: string): Promise<Json> {
  const { contents } = await client.readResource({ uri });
  return JSON.parse((contents[0] as { text: string }).text) as Json;
}

const OFFER = { node_id: 'node-1', cpu_cores: 4, memory_gb: 8, cpu_hour_price: 3, gb_hour_price: '1' };
const REQUEST = { requirements: { cpu_cores: 2, memory_gb: 1 }, hours: 1, max_price: 50 };

describe('money', () => {
  it("[F6] an agent moves its own money and nobody else's, once for each key", async () => {
    await start();
    const magi = await session('magi');
    expect(await call(magi, 'fog_tokens')).toMatchObject({
      agent_id: 'magi',
      available: '100',
      staked: '0',
      supply: '300',
    });
    const args = { to: 'sage', amount: '1.5', memo: 'thanks', idempotency_key: 'k' };
    expect(await call(magi, 'fog_transfer', args)).toMatchObject({ already_moved: false, available: '98.5' });
    expect(await call(magi, 'fog_transfer', args)).toMatchObject({ already_moved: true, available: '98.5' });
    await expect(call(magi, 'fog_transfer', { ...args, from: 'sage' })).rejects.toThrow(/from/);
    await expect(call(magi, 'fog_transfer', { ...args, amount: 2 })).rejects.toThrow(/key was used/);
    expect(await call(magi, 'fog_stake', { amount: 10 })).toEqual({ available: '88.5', staked: '10' });
    expect(await call(magi, 'fog_stake', { amount: 4, action: 'unstake' })).toEqual({ available: '92.5', staked: '6' });
    await expect(call(magi, 'fog_stake', { amount: 7, action: 'unstake' })).rejects.toThrow(/At most 6 FOG/);
  });

  it.each([0, -1, '-1', 1e300, '99999999999', 'a lot', '', '1e3', '0.0000001', 1e-7, null])(
    '[F6] refuses an amount of %j in words, and nothing moves',
    async (amount) => {
      await start();
      const magi = await session('magi');
      await expect(call(magi, 'fog_transfer', { to: 'sage', amount })).rejects.toThrow(/amount/);
      await expect(call(magi, 'fog_stake', { amount })).rejects.toThrow(/amount/);
      await expect(call(magi, 'fog_request_service', { ...REQUEST, max_price: amount })).rejects.toThrow(/max_price/);
      expect(await call(magi, 'fog_tokens')).toMatchObject({ available: '100', staked: '0' });
    },
  );

  it('[F6] an agent sees its own ledger alone; GOVERNANCE sees all', async () => {
    await start();
    const [magi, king] = [await session('magi'), await session('king', { level: LEVELS.EMERGENCY })];
    await expect(call(magi, 'fog_tokens', { agent_id: 'sage' })).rejects.toThrow(/Unknown ledger: sage/);
    await expect(magi.readResource({ uri: 'fog://ledger/sage' })).rejects.toMatchObject({ code: -32602 });
    await expect(magi.subscribeResource({ uri: 'fog://ledger/sage' })).rejects.toMatchObject({ code: -32602 });
    expect(await read(magi, 'fog://ledger/magi')).toMatchObject({ available: '100', movements: [{ kind: 'issue' }] });
    expect(await read(king, 'fog://ledger/sage')).toMatchObject({ agent_id: 'sage', available: '100' });
    expect(await call(king, 'fog_tokens', { agent_id: 'sage' })).toMatchObject({ agent_id: 'sage' });
  });

  it('[F5] an offer becomes a contract, and both parties see it, and nobody else', async () => {
    await start();
    const [magi, sage, oracle] = [await session('magi'), await session('sage'), await session('oracle')];
    const { offer_id } = await call(sage, 'fog_offer', OFFER);
    expect(await call(oracle, 'fog_market', { min_cpu_cores: 2 })).toMatchObject({
      offers: [{ offer_id, provider: 'sage' }],
    });
    expect(await call(oracle, 'fog_market', { gpu_required: true })).toMatchObject({ offers: [] });
    const { contract_id, ...contract } = await call(magi, 'fog_request_service', REQUEST);
    expect(contract).toMatchObject({ provider: 'sage', escrow: '7', status: 'active' });
    for (const party of [magi, sage])
      expect(await call(party, 'fog_contracts')).toMatchObject({ contracts: [{ contract_id }] });
    expect(await call(oracle, 'fog_contracts')).toEqual({ contracts: [] });
    await expect(call(oracle, 'fog_contracts', { contract_id })).rejects.toThrow(/Unknown contract/);
    await expect(call(oracle, 'fog_contracts', { all_agents: true })).rejects.toThrow(/GOVERNANCE/);
    await expect(call(oracle, 'fog_contracts', { action: 'finish', contract_id })).rejects.toThrow(/Unknown contract/);
    await expect(call(oracle, 'fog_offer', { action: 'withdraw', offer_id })).rejects.toThrow(/Unknown offer/);
    const { messages } = await magi.getPrompt({
      name: 'explain_bill',
      arguments: { contract_id: String(contract_id) },
    });
    expect(messages[0]).toMatchObject({ content: { text: expect.stringContaining('"escrow": "7"') } });
    await expect(
      oracle.getPrompt({ name: 'explain_bill', arguments: { contract_id: String(contract_id) } }),
    ).rejects.toThrow(/Unknown contract/);
    expect(await call(magi, 'fog_contracts', { action: 'finish', contract_id })).toMatchObject({
      contracts: [{ status: 'settled', paid: '0' }],
    });
    expect(await call(magi, 'fog_tokens')).toMatchObject({ available: '100' });
  });

  it('[F5] a dispute is resolved by what governance approved, and by nobody who calls it himself', async () => {
    await start();
    const [magi, sage] = [await session('magi'), await session('sage')];
    const king = await session('king', { level: LEVELS.EMERGENCY });
    await call(sage, 'fog_offer', OFFER);
    const { contract_id } = await call(magi, 'fog_request_service', REQUEST);
    const verdict = { contract_id, provider_percent: 0, reason: 'mine' };
    await expect(call(king, 'fog_resolve_dispute', verdict)).rejects.toThrow(/governance approved/);
    await expect(call(magi, 'fog_contracts', { action: 'dispute', contract_id, reason: 'x' })).rejects.toThrow(
      /without a router/,
    );
  });

  it.each(['../x', 'a/b', 'a b', '..\\x', 'x\0', ''])('[F5] refuses the node name %j', async (node_id) => {
    await start();
    const sage = await session('sage');
    await expect(call(sage, 'fog_offer', { ...OFFER, node_id })).rejects.toThrow(/node_id/);
    await expect(call(sage, 'fog_harvesting', { action: 'start', node_id })).rejects.toThrow(/node_id/);
    expect(await call(sage, 'fog_market')).toMatchObject({ offers: [] });
  });

  it('[F7] harvesting is started and stopped by its owner, and says what decides', async () => {
    await start();
    const sage = await session('sage');
    expect(await call(sage, 'fog_harvesting')).toMatchObject({ nodes: [], rules: { idle_minutes: 10 } });
    const args = { action: 'start', node_id: 'node-1' };
    expect(await call(sage, 'fog_harvesting', args)).toMatchObject({
      nodes: [
        { node_id: 'node-1', enabled: true, harvesting: false, reason: expect.stringMatching(/idle|load|battery/) },
      ],
      earned: { runs: 0, paid: '0' },
    });
    const magi = await session('magi');
    await expect(call(magi, 'fog_harvesting', { action: 'stop', node_id: 'node-1' })).rejects.toThrow(/Unknown node/);
    expect(await call(sage, 'fog_harvesting', { ...args, action: 'stop' })).toMatchObject({
      nodes: [{ enabled: false }],
    });
  });

  it('[F6] who watches a ledger hears of a movement', async () => {
    await start();
    const [magi, sage] = [await session('magi'), await session('sage')];
    const updated = await watched(sage, 'fog://ledger/sage');
    await call(magi, 'fog_transfer', { to: 'sage', amount: 1 });
    await updated();
  });

  it('[F5] who watches the contracts hears of a new one', async () => {
    await start();
    const [magi, sage] = [await session('magi'), await session('sage')];
    const updated = await watched(sage, 'fog://contracts');
    await call(sage, 'fog_offer', { node_id: 'n', cpu_cores: 1, memory_gb: 1, cpu_hour_price: 1, gb_hour_price: 0 });
    const requirements = { cpu_cores: 1, memory_gb: 1 };
    await call(magi, 'fog_request_service', { requirements, hours: 1, max_price: 5, idempotency_key: 'k' });
    await updated();
  });
});

describe('models', () => {
  const MESSAGES = { messages: [{ role: 'user', content: 'How are you?' }] };

  /** An OpenAI-compatible server that keeps what it was asked. */
  async function serveModel(answer: (path: string, body: Json) => { status?: number; text: string }) {
    const asked: { path: string; body: Json; authorization: string | undefined }[] = [];
    const listener = http.createServer((request, response) => {
      let text = '';
      request.on('data', (piece: Buffer) => {
        text += piece.toString();
      });
      request.on('end', () => {
        const body = text === '' ? {} : (JSON.parse(text) as Json);
        asked.push({ path: request.url ?? '', body, authorization: request.headers.authorization });
        const { status = 200, text: out } = answer(request.url ?? '', body);
        response.writeHead(status, { 'content-type': 'application/json' }).end(out);
      });
    });
    await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => new Promise<void>((resolve) => void listener.close(() => resolve())));
    const { port } = listener.address() as AddressInfo;
    endpoint = { url: `http://127.0.0.1:${port}/v1`, apiKey: 'a-key', model: 'small' };
    return asked;
  }
  const completion = (content: string) =>
    JSON.stringify({ model: 'small-1', choices: [{ message: { content }, finish_reason: 'stop' }] });

  it("[J2] asks the model of the caller's own client when that offers it", async () => {
    const asked = await serveModel(() => ({ text: completion('never') }));
    await start();
    const magi = await session('magi', {}, (text) => `You said: ${text}`);
    expect(await call(magi, 'model_chat', MESSAGES)).toEqual({
      text: 'You said: How are you?',
      model: 'of the client',
      via: 'sampling',
      stop_reason: 'endTurn',
    });
    expect(asked).toEqual([]);
  });

  it('[J2] does not go to the endpoint behind the back of a person who declined', async () => {
    const asked = await serveModel(() => ({ text: completion('never') }));
    await start();
    const magi = await session('magi', {}, () => {
      throw new Error('no');
    });
    await expect(call(magi, 'model_chat', MESSAGES)).rejects.toThrow(/declined/);
    expect(asked).toEqual([]);
  });

  it('[J2] else asks the endpoint of the settings, with its key', async () => {
    const asked = await serveModel(() => ({ text: completion('Fine.') }));
    await start();
    const magi = await session('magi');
    const args = { ...MESSAGES, system: 'Be brief', max_tokens: 9, temperature: 0.5 };
    expect(await call(magi, 'model_chat', args)).toEqual({
      text: 'Fine.',
      model: 'small-1',
      via: 'endpoint',
      stop_reason: 'stop',
    });
    expect(asked).toEqual([
      {
        path: '/v1/chat/completions',
        authorization: 'Bearer a-key',
        body: {
          model: 'small',
          messages: [{ role: 'system', content: 'Be brief' }, ...MESSAGES.messages],
          max_tokens: 9,
          temperature: 0.5,
          stream: false,
        },
      },
    ]);
  });

  it('[J2] says clearly that there is nobody to ask', async () => {
    await start();
    const magi = await session('magi');
    await expect(call(magi, 'model_chat', MESSAGES)).rejects.toThrow(/no model to ask.*FORGE_MODEL_URL/);
    expect(await call(magi, 'models_list')).toEqual({ models: [], endpoint: 'not_configured' });
  });

  it.each([
    ['an error with a secret', { status: 500, text: '{"error":"key a-key is bad"}' }, /answered with 500/],
    ['no JSON', { text: '<html>' }, /no JSON/],
    ['no completion', { text: '{"choices":[]}' }, /no chat completion/],
    ['a redirection', { status: 302, text: '' }, /answered with 302|cannot be reached/],
    ['too much', { text: `"${'x'.repeat(9 * 2 ** 20)}"` }, /more than/],
  ])('[J2] tells of an endpoint that sends %s, and shows nothing of it', async (_, answer, text) => {
    await serveModel(() => answer);
    await start();
    const magi = await session('magi');
    const refused = await call(magi, 'model_chat', MESSAGES).catch((error: Error) => error.message);
    expect(refused).toMatch(text);
    expect(refused).not.toContain('a-key');
    expect(await call(magi, 'models_list')).toMatchObject({ endpoint: 'unavailable' });
  });

  it('[J2] lists the models of the endpoint beside the files', async () => {
    await serveModel(() => ({ text: JSON.stringify({ data: [{ id: 'small' }, { id: 'large' }] }) }));
    await start();
    const { models, endpoint: state } = await call(await session('magi'), 'models_list');
    expect(state).toBe('available');
    expect(models).toMatchObject([
      { model: 'small', source: 'endpoint', use: 'chat' },
      { model: 'large', source: 'endpoint', use: 'chat' },
    ]);
  });

  it('[J1] [J3] who watches a training and the models hears of both', async () => {
    await start();
    const magi = await session('magi');
    writeModel(path.join(models, 'tiny.safetensors'), [floats('w', 'F32', [2, 2], [1, -1, 0.5, 0])]);
    const made = await watched(magi, 'forge://models');
    const args = { phase_name: 'BitNet', parameters: { model: 'tiny.safetensors' } };
    const { task_id } = await call(magi, 'forge_start_training', args);
    const stepped = await watched(magi, `forge://training/${task_id}`);
    await call(magi, 'forge_training_status', { task_id, wait_seconds: 20 });
    await Promise.all([made(), stepped()]);
    expect(await read(magi, `forge://training/${task_id}`)).toMatchObject({ status: 'succeeded' });
  });

  it("[J1] a training is its owner's, and waiting for it tells of progress", async () => {
    await start();
    const [magi, oracle] = [await session('magi'), await session('oracle')];
    const { task_id, status } = await call(magi, 'forge_start_training', {
      phase_name: 'BitNet',
      parameters: { model: 'none' },
    });
    expect(status).toBe('queued');
    const progress: number[] = [];
    const result = await magi.callTool(
      { name: 'forge_training_status', arguments: { task_id, wait_seconds: 20 } },
      undefined,
      { onprogress: ({ progress: share }) => progress.push(share) },
    );
    expect(result.structuredContent).toMatchObject({
      trainings: [{ status: 'failed', message: expect.stringMatching(/Unknown model/) }],
    });
    expect(progress.length).toBeGreaterThan(0);
    await expect(call(oracle, 'forge_training_status', { task_id })).rejects.toThrow(/Unknown training/);
    await expect(oracle.readResource({ uri: `forge://training/${task_id}` })).rejects.toMatchObject({ code: -32602 });
    await expect(oracle.subscribeResource({ uri: `forge://training/${task_id}` })).rejects.toMatchObject({
      code: -32602,
    });
    expect(await read(magi, `forge://training/${task_id}`)).toMatchObject({ task_id, status: 'failed' });
    await expect(call(magi, 'forge_stop_training', { task_id })).rejects.toThrow(/is failed/);
  });
});
