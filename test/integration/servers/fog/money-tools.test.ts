import { describe, expect, it } from 'vitest';
import { LEVELS } from '../../../../shared/identity/levels.ts';
import { call, openFogServer, read, watched } from '../../../fixtures/fog/server.ts';

const OFFER = { node_id: 'node-1', cpu_cores: 4, memory_gb: 8, cpu_hour_price: 3, gb_hour_price: '1' };
const REQUEST = { requirements: { cpu_cores: 2, memory_gb: 1 }, hours: 1, max_price: 50 };

describe('money', () => {
  it("[F6] an agent moves its own money and nobody else's, once for each key", async () => {
    const { session } = await openFogServer();
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
      const { session } = await openFogServer();
      const magi = await session('magi');
      await expect(call(magi, 'fog_transfer', { to: 'sage', amount })).rejects.toThrow(/amount/);
      await expect(call(magi, 'fog_stake', { amount })).rejects.toThrow(/amount/);
      await expect(call(magi, 'fog_request_service', { ...REQUEST, max_price: amount })).rejects.toThrow(/max_price/);
      expect(await call(magi, 'fog_tokens')).toMatchObject({ available: '100', staked: '0' });
    },
  );

  it('[F6] an agent sees its own ledger alone; GOVERNANCE sees all', async () => {
    const { session } = await openFogServer();
    const [magi, king] = [await session('magi'), await session('king', { level: LEVELS.EMERGENCY })];
    await expect(call(magi, 'fog_tokens', { agent_id: 'sage' })).rejects.toThrow(/Unknown ledger: sage/);
    await expect(magi.readResource({ uri: 'fog://ledger/sage' })).rejects.toMatchObject({ code: -32602 });
    await expect(magi.subscribeResource({ uri: 'fog://ledger/sage' })).rejects.toMatchObject({ code: -32602 });
    expect(await read(magi, 'fog://ledger/magi')).toMatchObject({ available: '100', movements: [{ kind: 'issue' }] });
    expect(await read(king, 'fog://ledger/sage')).toMatchObject({ agent_id: 'sage', available: '100' });
    expect(await call(king, 'fog_tokens', { agent_id: 'sage' })).toMatchObject({ agent_id: 'sage' });
  });

  it('[F5] an offer becomes a contract, and both parties see it, and nobody else', async () => {
    const { session } = await openFogServer();
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
    const { session } = await openFogServer();
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
    const { session } = await openFogServer();
    const sage = await session('sage');
    await expect(call(sage, 'fog_offer', { ...OFFER, node_id })).rejects.toThrow(/node_id/);
    await expect(call(sage, 'fog_harvesting', { action: 'start', node_id })).rejects.toThrow(/node_id/);
    expect(await call(sage, 'fog_market')).toMatchObject({ offers: [] });
  });

  it('[F7] harvesting is started and stopped by its owner, and says what decides', async () => {
    const { session } = await openFogServer();
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
    const { session } = await openFogServer();
    const [magi, sage] = [await session('magi'), await session('sage')];
    const updated = await watched(sage, 'fog://ledger/sage');
    await call(magi, 'fog_transfer', { to: 'sage', amount: 1 });
    await updated();
  });

  it('[F5] who watches the contracts hears of a new one', async () => {
    const { session } = await openFogServer();
    const [magi, sage] = [await session('magi'), await session('sage')];
    const updated = await watched(sage, 'fog://contracts');
    await call(sage, 'fog_offer', { node_id: 'n', cpu_cores: 1, memory_gb: 1, cpu_hour_price: 1, gb_hour_price: 0 });
    const requirements = { cpu_cores: 1, memory_gb: 1 };
    await call(magi, 'fog_request_service', { requirements, hours: 1, max_price: 5, idempotency_key: 'k' });
    await updated();
  });
});
