import { describe, expect, it, onTestFinished } from 'vitest';
import { createIdleWatch, isWithin } from '../../../../servers/fog/money/harvesting.ts';
import { readEconomyRules } from '../../../../shared/economy-rules.ts';
import { parseFog } from '../../../../shared/fog-amount.ts';
import { ECONOMY, metering, openEconomy } from '../../../fixtures/fog/economy.ts';

const rules = (more: object = {}) =>
  readEconomyRules({ harvesting: { idle_minutes: 10, max_load_percent: 20, ...more } }).harvesting;
const reading = (atMinutes: number, more: object = {}) => ({
  loadPercent: 5,
  hasPower: true,
  minuteOfDay: 720,
  atMs: atMinutes * 60_000,
  ...more,
});

describe('the rules', () => {
  it('[F7] let a device work that was idle long enough, on power, in its hours, and say why not', () => {
    const idle = createIdleWatch();
    expect(idle.decide(reading(0), rules())).toEqual({
      mayHarvest: false,
      reason: 'idle for 0 of the 10 minutes that it takes',
    });
    expect(idle.decide(reading(9.99), rules()).mayHarvest).toBe(false);
    expect(idle.decide(reading(10), rules()).mayHarvest).toBe(true);
    expect(idle.decide(reading(11, { hasPower: false }), rules()).reason).toMatch(/battery/);
    expect(idle.decide(reading(11, { hasPower: false }), rules({ needs_power: false })).mayHarvest).toBe(true);
    expect(idle.decide(reading(12), rules({ hours: ['22:00-06:00'] })).reason).toMatch(/hours/);
    expect(idle.decide(reading(13, { loadPercent: 50 }), rules()).reason).toMatch(/load is 50 %/);
    expect(idle.decide(reading(14), rules()).mayHarvest).toBe(false);
    expect(idle.decide(reading(24), rules()).mayHarvest).toBe(true);
  });

  it("[F7] do not take the harvested work itself for its owner's", () => {
    const idle = createIdleWatch();
    idle.decide(reading(0), rules());
    expect(idle.decide(reading(10, { loadPercent: 90 }), rules(), 80).mayHarvest).toBe(true);
  });

  it.each([
    [['22:00-06:00'], 23 * 60, true],
    [['22:00-06:00'], 5 * 60 + 59, true],
    [['22:00-06:00'], 6 * 60, false],
    [['08:00-09:00', '12:00-13:00'], 12 * 60, true],
    [['08:00-09:00'], 9 * 60, false],
    [['00:00-00:00'], 700, true],
    [[], 700, true],
  ])('[F7] %j holds minute %i: %s', (hours, minute, expected) => {
    expect(isWithin(minute, rules({ hours }).hours)).toBe(expected);
  });

  it('[F7] [X1] tell all their mistakes at once', () => {
    const bad = { economy: 1, harvesting: { hours: ['25:00-06:00', '8-9'], max_load_percent: 101 }, min_stake: -1 };
    expect(() => readEconomyRules(bad)).toThrow(/hours\.0.*\n.*hours\.1|harvesting/s);
    const twice = {
      issuance: [
        { id: 'a', to: 'treasury', amount: 9e8 },
        { id: 'a', to: 'treasury', amount: 1 },
      ],
    };
    expect(() => readEconomyRules(twice)).toThrow(/stands twice/);
    const much = { issuance: Array.from({ length: 10 }, (_, i) => ({ id: `i${i}`, to: 'treasury', amount: 1e9 })) };
    expect(() => readEconomyRules(much)).toThrow(/9000000000/);
    expect(() => readEconomyRules({ issuance: [{ id: '../x', to: 'me', amount: -1 }] })).toThrow(
      /id.*\n.*to.*\n.*amount/s,
    );
  });
});

describe('a device', () => {
  it('[F7] offers itself while it may work, withdraws when it may not, and rewards follow the work', async () => {
    const e = await openEconomy({ ...ECONOMY, harvesting: { idle_minutes: 1 } });
    onTestFinished(() => e.end());
    const { harvester, market, marketStore, ledger } = e.deps;
    expect(await harvester.look()).toBeUndefined();
    expect(harvester.start('sage', 'node-1')).toMatchObject({ isEnabled: true, isHarvesting: false });
    expect(() => harvester.start('magi', 'node-1')).toThrow(/another agent/);
    await harvester.look();
    expect(market.offers()).toEqual([]);
    e.now += 60_000;
    await harvester.look();
    expect(market.offers()).toMatchObject([{ provider: 'sage', nodeId: 'node-1', isHarvested: true }]);
    expect(harvester.isHarvesting('node-1')).toBe(true);

    e.rewards.record(metering({ key: 'while', cpuMs: 2_000, at: e.now }));
    e.reading = { ...e.reading, loadPercent: 99 };
    await harvester.look();
    expect(market.offers()).toEqual([]);
    expect(harvester.of('sage')).toMatchObject([{ isHarvesting: false, reason: expect.stringMatching(/load is 99/) }]);
    e.rewards.record(metering({ key: 'after', cpuMs: 4_000, at: e.now }));
    expect(marketStore.earned('sage', true)).toMatchObject({ runs: 1, cpuMs: 2_000, paid: parseFog('0.002') });
    expect(ledger.holdings('sage').available).toBe(parseFog('100.006'));

    expect(() => harvester.stop('magi', 'node-1')).toThrow(/Unknown node/);
    expect(harvester.stop('sage', 'node-1')).toMatchObject({ isEnabled: false, offerId: '' });
    expect(await harvester.look()).toBeUndefined();
  });

  it('[F7] takes its offer back when its server ends, and puts it up again when it lasts', async () => {
    const e = await openEconomy({ ...ECONOMY, harvesting: { idle_minutes: 0 } });
    onTestFinished(() => e.end());
    const { harvester, market } = e.deps;
    harvester.start('sage', 'node-1');
    await harvester.look();
    const [first] = market.offers();
    e.now += 13 * 3_600_000;
    await harvester.look();
    const [second, ...others] = market.offers();
    expect(others).toEqual([]);
    expect(second!.id).not.toBe(first!.id);
    e.close();
    expect(market.offers()).toEqual([]);
  });

  it('[F7] is read as it is', async () => {
    const { deviceReader, deviceSize } = await import('../../../../servers/fog/money/device.ts');
    const read = await deviceReader(Date.now)();
    expect(read.loadPercent).toBeGreaterThanOrEqual(0);
    expect(read.loadPercent).toBeLessThanOrEqual(100);
    expect(read.minuteOfDay).toBeLessThan(1_440);
    expect(deviceSize().cpuCores).toBeGreaterThan(0);
    expect(deviceSize().memoryMb).toBeGreaterThan(64);
  });
});
