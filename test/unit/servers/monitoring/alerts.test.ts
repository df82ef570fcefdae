import { afterEach, beforeEach, expect, it } from 'vitest';
import { type AlertChange, Alerts } from '../../../../servers/monitoring/alerts/alerts.ts';
import { DEFAULT_RULES } from '../../../../servers/monitoring/alerts/default-rules.ts';
import { compileRule, ruleSchema } from '../../../../servers/monitoring/alerts/rule.ts';
import { TimeSeries } from '../../../../servers/monitoring/series.ts';
import { openTestStore, type TestStore } from '../../../fixtures/monitoring/store.ts';

let opened: TestStore;
let series: TimeSeries;
let alerts: Alerts;
let now = 0;
let changes: AlertChange[] = [];
let ids = 0;

async function openAlerts(): Promise<Alerts> {
  const made = await Alerts.open({
    store: opened.store,
    series,
    nowMs: () => now,
    newId: () => `id${++ids}`,
    hasRouter: true,
  });
  made.onChange((change) => changes.push(change));
  return made;
}

beforeEach(async () => {
  opened = await openTestStore();
  series = await TimeSeries.open(opened.store);
  now = 0;
  changes = [];
  alerts = await openAlerts();
  for (const { id } of await alerts.rules()) await alerts.removeRule(id);
});
afterEach(() => opened.remove());

async function at(ms: number, values: Readonly<Record<string, number>>): Promise<void> {
  now = ms;
  await series.record(
    ms,
    Object.entries(values).map(([name, value]) => ({ name, value })),
  );
  await alerts.look(ms);
}

const told = () => changes.map(({ atMs, rule, series: name, state }) => [atMs, rule.id, name, state]);

it('[O5] a new village has the default rules, and one whose owner removed them all has none', async () => {
  expect(DEFAULT_RULES.length).toBeGreaterThan(5);
  expect(await (await openAlerts()).rules()).toEqual([]);
});

it('[O5] a threshold fires when it was passed for its time, and is resolved when it is no more', async () => {
  await alerts.setRule(ruleSchema.parse({ id: 'hot', kind: 'threshold', series: 'cpu', value: 90, for_seconds: 20 }));
  await at(0, { cpu: 95 });
  expect(await alerts.list()).toMatchObject([{ state: 'pending' }]);
  await at(10_000, { cpu: 95 });
  expect(told()).toEqual([]);
  await at(20_000, { cpu: 96 });
  expect(told()).toEqual([[20_000, 'hot', 'cpu', 'firing']]);
  await at(25_000, { cpu: 97 });
  await at(30_000, { cpu: 10 });
  expect(told()).toEqual([
    [20_000, 'hot', 'cpu', 'firing'],
    [30_000, 'hot', 'cpu', 'resolved'],
  ]);
  expect(await alerts.list()).toEqual([]);
  expect((await alerts.history(10)).map(({ state }) => state)).toEqual(['resolved', 'firing']);
});

it('[O5] a peak that is over before its time tells nobody', async () => {
  await alerts.setRule(ruleSchema.parse({ id: 'hot', kind: 'threshold', series: 'cpu', value: 90, for_seconds: 20 }));
  await at(0, { cpu: 95 });
  await at(5_000, { cpu: 10 });
  await at(30_000, { cpu: 95 });
  expect(told()).toEqual([]);
});

it('[O5] a rate fires by what it changes in a second', async () => {
  await alerts.setRule(ruleSchema.parse({ id: 'leak', kind: 'rate', series: 'memory', value: 10, for_seconds: 30 }));
  for (let s = 0; s <= 30; s += 5) await at(s * 1_000, { memory: 5 * s });
  expect(told()).toEqual([]);
  for (let s = 35; s <= 65; s += 5) await at(s * 1_000, { memory: 150 + 20 * (s - 30) });
  expect(changes).toMatchObject([{ state: 'firing', rule: { id: 'leak' } }]);
  expect(changes[0]!.value).toBeGreaterThan(10);
});

it('[O5] absence fires when values stop coming, and when none ever came', async () => {
  await alerts.setRule(ruleSchema.parse({ id: 'silent', kind: 'absence', series: 'beat', for_seconds: 30 }));
  await alerts.setRule(ruleSchema.parse({ id: 'never', kind: 'absence', series: 'other', for_seconds: 60 }));
  await at(0, { beat: 1 });
  await at(29_000, {});
  expect(told()).toEqual([]);
  await at(30_000, {});
  await at(60_000, { beat: 1 });
  expect(told()).toEqual([
    [30_000, 'silent', 'beat', 'firing'],
    [60_000, 'never', 'other', 'firing'],
    [60_000, 'silent', 'beat', 'resolved'],
  ]);
});

it('[O5] a pattern makes an alert for each series; a silence marks it, and ends by itself', async () => {
  const rule = {
    id: 'down',
    kind: 'threshold',
    pattern: 'server\\..*\\.up',
    comparison: 'below',
    value: 1,
    for_seconds: 0,
  };
  await alerts.setRule(ruleSchema.parse(rule));
  const id = await alerts.silence({ ruleId: 'down', untilMs: 10_000, by: 'king', reason: 'moving' });
  await at(1_000, { 'server.a.up': 0, 'server.b.up': 1, 'server.c.up': 0 });
  expect(changes.map(({ series: name, isSilenced }) => [name, isSilenced])).toEqual([
    ['server.a.up', true],
    ['server.c.up', true],
  ]);
  await at(10_000, { 'server.a.up': 0, 'server.b.up': 0, 'server.c.up': 0 });
  expect(changes.at(-1)).toMatchObject({ series: 'server.b.up', isSilenced: false });
  await expect(alerts.endSilence(id)).rejects.toMatchObject({ kind: 'INVALID_PARAMS' });
});

it('[O5] what fires goes on firing after a restart, and is told once', async () => {
  await alerts.setRule(ruleSchema.parse({ id: 'hot', kind: 'threshold', series: 'cpu', value: 90, for_seconds: 0 }));
  await at(0, { cpu: 95 });
  alerts = await openAlerts();
  await at(5_000, { cpu: 95 });
  expect(told()).toEqual([[0, 'hot', 'cpu', 'firing']]);
  expect(await alerts.list()).toMatchObject([{ state: 'firing', sinceMs: 0 }]);
});

it('[O5] of two processes on one store, one tells of a change', async () => {
  await alerts.setRule(ruleSchema.parse({ id: 'hot', kind: 'threshold', series: 'cpu', value: 90, for_seconds: 0 }));
  const other = await openAlerts();
  await series.record(0, [{ name: 'cpu', value: 95 }]);
  await Promise.all([alerts.look(0), other.look(0)]);
  expect(told()).toEqual([[0, 'hot', 'cpu', 'firing']]);
});

it.each([
  ['(a+)+$', 'x'.repeat(40)],
  ['(a|a)*b', 'a'.repeat(180)],
  ['(.*)*(.*)*(.*)*z', 'a'.repeat(180)],
])('[O5] the pattern %s takes no more time than its text is long', (pattern, name) => {
  const rule = compileRule(ruleSchema.parse({ id: 'r', kind: 'threshold', pattern }));
  const started = performance.now();
  for (let n = 0; n < 100; n++) rule.covers(name);
  expect(performance.now() - started).toBeLessThan(2_000);
});

it.each([
  [{ pattern: '(?=a)b' }, 'look-around'],
  [{ pattern: '(a)\\1' }, 'look-around and back-references'],
  [{ pattern: 'a{1000}{1000}' }, 'cannot be used'],
  [{ series: 'a', pattern: 'b' }, 'either one'],
  [{}, 'either one'],
  [{ kind: 'absence', series: 'a', for_seconds: 1 }, 'at least 10'],
])('[O5] refuses the rule %j with what is right', async (more, text) => {
  const rule = ruleSchema.parse({ id: 'r', kind: 'threshold', ...more });
  await expect(alerts.setRule(rule)).rejects.toMatchObject({
    kind: 'INVALID_PARAMS',
    message: expect.stringContaining(text),
  });
});
