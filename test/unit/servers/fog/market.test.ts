import { describe, expect, it } from 'vitest';
import { AppError } from '../../../../shared/errors.ts';
import { ECONOMY, HOUR, metering } from '../../../fixtures/fog/economy.ts';
import { economy, fog, offer, request, sumIsZero } from '../../../fixtures/fog/market.ts';

describe('a contract', () => {
  it('[F5] locks what it may cost, pays what was metered, and gives the rest back', async () => {
    const e = await economy();
    const { market, ledger } = e.deps;
    const { id: offerId } = market.offer('sage', offer());
    const contract = market.request('magi', request());
    expect(contract).toMatchObject({ provider: 'sage', consumer: 'magi', status: 'active', escrow: fog(7) });
    expect(ledger.holdings('magi').available).toBe(fog(93));
    expect(market.offers().find(({ id }) => id === offerId)).toMatchObject({ freeCores: 2, freeMemoryMb: 7_168 });

    // An hour of one core: 3 FOG; and the reward of 3.6 FOG from the treasury.
    e.rewards.record(metering({ cpuMs: HOUR, at: e.now }));
    e.rewards.record(metering({ cpuMs: HOUR, at: e.now }));
    expect(market.contract('magi', contract.id)).toMatchObject({ used: { runs: 1 }, cost: fog(3) });
    expect(ledger.holdings('sage').available).toBe(fog(103.6));

    e.now = contract.endsAt + 10 * 60_000 - 1;
    expect(market.sweep()).toEqual([]);
    e.now += 1;
    expect(market.sweep()).toEqual([contract.id]);
    expect(market.sweep()).toEqual([]);
    expect(market.contract('magi', contract.id)).toMatchObject({ status: 'settled', paid: fog(3) });
    expect(ledger.holdings('magi').available).toBe(fog(97));
    expect(ledger.holdings('sage').available).toBe(fog(106.6));
    sumIsZero(e);
  });

  it("[F5] never pays more than was locked, and pays only work on the provider's own node in its time", async () => {
    const e = await economy();
    const { market, ledger } = e.deps;
    market.offer('sage', offer());
    const contract = market.request('magi', request());
    const others = [
      { nodeAgent: 'thief' },
      { nodeId: 'node-2' },
      { agent: 'oracle' },
      { at: contract.endsAt + 1 },
      { at: contract.startsAt - 1 },
      { outcome: 'lost' as const },
    ];
    for (const [i, other] of others.entries()) e.rewards.record(metering({ key: `other:${i}`, cpuMs: HOUR, ...other }));
    expect(market.contract('magi', contract.id).cost).toBe(0n);
    e.rewards.record(metering({ key: 'much', cpuMs: 100 * HOUR }));
    expect(market.finish('magi', contract.id)).toMatchObject({ status: 'settled', paid: fog(7) });
    expect(ledger.holdings('magi').available).toBe(fog(93));
    sumIsZero(e);
  });

  it('[F5] is one for one key, however often it is asked for', async () => {
    const e = await economy();
    e.deps.market.offer('sage', offer());
    const first = e.deps.market.request('magi', request());
    expect(e.deps.market.request('magi', request({ maxPrice: 1n })).id).toBe(first.id);
    expect(e.deps.ledger.holdings('magi').available).toBe(fog(93));
  });

  it('[F5] is refused without an offer that fits, beyond max_price, or without the money; nothing is locked', async () => {
    const e = await economy();
    const { market, ledger } = e.deps;
    market.offer('sage', offer());
    market.offer('magi', offer({ nodeId: 'own', cpuHourPrice: 0n }));
    const bad: [object, RegExp][] = [
      [{ requirements: { cpuCores: 5, memoryMb: 1, gpu: false } }, /No offer/],
      [{ requirements: { cpuCores: 1, memoryMb: 1, gpu: true } }, /No offer/],
      [{ durationMs: 25 * HOUR }, /No offer/],
      [{ maxPrice: fog(6.999999) }, /costs up to 7 FOG/],
      [{ durationMs: 20 * HOUR, maxPrice: fog(1_000) }, /has 100 FOG, and 140 FOG/],
    ];
    for (const [i, [more, text]] of bad.entries()) {
      expect(() => market.request('magi', request({ key: `bad ${i}`, ...more }))).toThrow(text);
    }
    expect(ledger.holdings('magi').available).toBe(fog(100));
    expect(market.contracts({ limit: 10 })).toEqual([]);
  });

  it('[F5] leaves no more of an offer than is there, and frees it in the end', async () => {
    const e = await economy();
    const { market } = e.deps;
    market.offer('sage', offer());
    const first = market.request('magi', request());
    market.request('magi', request({ key: 'r2' }));
    expect(() => market.request('magi', request({ key: 'r3' }))).toThrow(/No offer/);
    market.finish('magi', first.id);
    expect(market.request('magi', request({ key: 'r4' })).status).toBe('active');
  });

  it('[F5] ended by its provider is settled only when nobody can dispute it any more', async () => {
    const e = await economy();
    const { market } = e.deps;
    market.offer('sage', offer());
    const { id } = market.request('magi', request());
    expect(market.finish('sage', id)).toMatchObject({ status: 'active', endsAt: e.now });
    expect(market.sweep()).toEqual([]);
    e.now += 10 * 60_000;
    expect(market.sweep()).toEqual([id]);
  });

  it("[F5] is nobody else's to see, to end or to dispute", async () => {
    const e = await economy();
    const { market, disputes } = e.deps;
    market.offer('sage', offer());
    const { id } = market.request('magi', request());
    expect(() => market.contract('oracle', id)).toThrow(/Unknown contract/);
    expect(() => market.finish('oracle', id)).toThrow(/Unknown contract/);
    await expect(disputes.open('oracle', id, 'x')).rejects.toThrow(/Unknown contract/);
    expect(() => market.withdraw('magi', market.offers()[0]!.id)).toThrow(/Unknown offer/);
    expect(market.contracts({ agentId: 'oracle', limit: 10 })).toEqual([]);
  });
});

describe('a dispute', () => {
  it('[F5] becomes a proposal, stops the settlement, and is settled by what was approved', async () => {
    const e = await economy();
    const { market, disputes, ledger } = e.deps;
    market.offer('sage', offer());
    const { id } = market.request('magi', request());
    e.rewards.record(metering({ cpuMs: HOUR }));
    const disputed = await disputes.open('magi', id, 'the work was never done');
    expect(disputed).toMatchObject({ status: 'disputed', proposalId: 'prop_1', reason: 'the work was never done' });
    expect(e.calls).toMatchObject([
      {
        tool: 'governance_proposal',
        args: {
          type: 'major_change',
          action: { tool: 'fog_resolve_dispute', arguments: { contract_id: id, provider_percent: 0 } },
        },
      },
    ]);
    e.now += 1_000 * HOUR;
    expect(market.sweep()).toEqual([]);
    expect(() => market.finish('magi', id)).toThrow(/is disputed/);
    expect(market.resolve(id, 25, 'half of the half')).toMatchObject({ status: 'settled', paid: fog(1.75) });
    expect(() => market.resolve(id, 100, 'again')).toThrow(/is settled/);
    expect(ledger.holdings('magi').available).toBe(fog(98.25));
    sumIsZero(e);
  });

  it('[F5] that governance did not hear of can be sent again, and is one proposal', async () => {
    const e = await economy();
    const { market, disputes } = e.deps;
    market.offer('sage', offer());
    const { id } = market.request('magi', request());
    e.answer = () => {
      throw new AppError('CONNECTION_FAILED');
    };
    await expect(disputes.open('magi', id, 'bad')).rejects.toThrow(AppError);
    expect(market.contract('magi', id)).toMatchObject({ status: 'disputed', proposalId: null });
    e.answer = () => ({ proposal_id: 'prop_2' });
    expect(await disputes.open('magi', id, 'bad')).toMatchObject({ proposalId: 'prop_2' });
    await expect(disputes.open('sage', id, 'worse')).rejects.toThrow(/is disputed/);
    expect(e.calls).toHaveLength(2);
  });

  it('[F5] is refused without a router, and the contract goes on', async () => {
    const e = await economy(ECONOMY, false);
    const { market, disputes } = e.deps;
    market.offer('sage', offer());
    const { id } = market.request('magi', request());
    await expect(disputes.open('magi', id, 'bad')).rejects.toThrow(/without a router/);
    expect(market.contract('magi', id).status).toBe('active');
  });
});
