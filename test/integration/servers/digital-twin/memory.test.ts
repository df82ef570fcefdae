import { afterEach, beforeEach, expect, it } from 'vitest';
import { DAY_MS, type Person, START, saidOnDays, TestTwins } from '../../../fixtures/digital-twin/twins.ts';

let now: number;
let retentionDays: number;
let twins: TestTwins;
let alice: Person;

beforeEach(async () => {
  now = START;
  retentionDays = 30;
  twins = new TestTwins({ nowMs: () => now, retentionDays: () => retentionDays });
  alice = await twins.person('alice');
});
afterEach(() => twins.close());

const WELL = { kind: 'knowledge', content: 'The north well is cleaned in May.', domain: 'water' };
const ask = (query: string, more: Record<string, unknown> = {}) =>
  alice.list('mini_rag_query', 'results', { query, anonymization_required: false, ...more });

it('[T2] tells and finds again; what is said on other days gets surer, on the same day it does not', async () => {
  expect(await alice.observe(WELL)).toMatchObject([{ status: 'new', confidence: 0.6667, expected: [] }]);
  expect(await alice.observe({ ...WELL, content: 'the north  well is cleaned in may.' })).toMatchObject([
    { status: 'same_day', confidence: 0.6667 },
  ]);
  expect(await ask('When is the well cleaned?', { min_confidence: 0.7 })).toEqual([]);
  now += DAY_MS;
  expect(await alice.observe(WELL)).toMatchObject([{ status: 'confirmed', confidence: 0.75 }]);
  const [found] = await ask('When is the well cleaned?', { min_confidence: 0.7 });
  expect(found).toMatchObject({ content: WELL.content, confidence: 0.75, semantic_domain: 'water', kind: 'knowledge' });
  now += DAY_MS;
  const outcome = { kind: 'outcome', fact_id: found?.fact_id, held: false };
  expect(await alice.observe(outcome)).toMatchObject([{ status: 'contradicted', confidence: 0.6 }]);
});

it('[T2] takes personal data out of answers unless it is told not to, the same value always in the same way', async () => {
  await alice.observe(
    { kind: 'personal', content: 'The mail of the plumber is rosa.quell@example.org.' },
    { kind: 'knowledge', content: 'For the boiler write to Rosa.Quell@example.org first.' },
  );
  const hidden = await alice.list('mini_rag_query', 'results', { query: 'mail of the plumber, boiler' });
  const names = hidden.map(({ anonymized_content }) => /\[EMAIL_[0-9a-f]{8}\]/.exec(String(anonymized_content))?.[0]);
  expect(names).toHaveLength(2);
  expect(new Set(names).size).toBe(1);
  expect(JSON.stringify(hidden)).not.toMatch(/rosa/i);
  expect(hidden.every((each) => !('content' in each))).toBe(true);
  expect(JSON.stringify(await ask('mail of the plumber'))).toContain('rosa.quell@example.org');
});

it('[T2] keeps one preference for each topic, and forgets it', async () => {
  await alice.call('twin_preferences', { action: 'set', topic: 'Reports', value: 'one page' });
  const { value } = await alice.call('twin_preferences', { action: 'set', topic: 'reports', value: 'two pages' });
  expect(value.preferences).toMatchObject([{ topic: 'reports', value: 'two pages', confidence: 0.6667 }]);
  expect(await ask('How long are reports?')).toMatchObject([{ content: 'reports: two pages', kind: 'preference' }]);
  await alice.call('twin_preferences', { action: 'forget', topic: 'reports' });
  expect((await alice.call('twin_preferences')).value).toEqual({ preferences: [], expected: [] });
  expect(await ask('How long are reports?')).toEqual([]);
  expect((await alice.call('twin_preferences', { action: 'set', topic: 'x' })).error).toContain(
    'needs topic and value',
  );
});

it('[T3] learns when something is wanted, checks each forecast, and shows why; a habit that ends loses its confidence', async () => {
  const weekly = Array.from({ length: 22 }, (_, week) => ({
    kind: 'event',
    topic: 'Weekly report',
    observed_at: new Date(START - (22 - week) * 7 * DAY_MS).toISOString(),
  }));
  await alice.observe(...weekly);
  const expected = (await alice.call('twin_preferences')).value.expected as Record<string, unknown>[];
  expect(expected[0]).toMatchObject({
    pattern: 'Wants “weekly report” on Mondays: 21 of 21 times.',
    next_day: '2026-01-05',
  });
  expect(Number(expected[0]?.confidence)).toBeGreaterThan(0.8);
  const profile = (await alice.read('twin://profile')).profile as { learnt: { because: unknown[] }[] };
  expect(profile.learnt[0]?.because.at(-1)).toEqual({
    day: '2025-12-29',
    forecast: expect.any(Number),
    happened: true,
  });
  const [told] = await alice.observe({ kind: 'event', topic: 'weekly report' });
  expect(told).toMatchObject({
    expected: [{ pattern: expect.stringContaining('Mondays'), forecast: 0.9083 }, { forecast: 0.1682 }],
  });
  expect(await ask('What about the weekly report?', { min_confidence: 0.8 })).toMatchObject([
    { kind: 'pattern', content: expect.stringContaining('Mondays') },
  ]);
  retentionDays = 3_650;
  now += 4 * 7 * DAY_MS;
  const later = (await alice.call('twin_preferences')).value.expected as Record<string, unknown>[];
  expect(Number(later[0]?.confidence)).toBeLessThan(0.5);
});

it('[G7] lets go of what nobody used for as long as the policy says, and keeps it when the policy is longer', async () => {
  await alice.observe(
    WELL,
    { kind: 'personal', content: 'The spare key hangs in the shed.' },
    { kind: 'event', topic: 'tea' },
  );
  now += 20 * DAY_MS;
  await ask('Where is the spare key?', { top_k: 1 });
  now += 15 * DAY_MS;
  retentionDays = 90;
  await twins.deps.sweep();
  expect((await alice.read('twin://profile')).profile).toMatchObject({ facts: 2, events: 1, retention_days: 90 });
  retentionDays = 30;
  await twins.deps.sweep();
  expect((await alice.read('twin://profile')).profile).toMatchObject({ facts: 1, events: 0 });
  expect(await ask('Where is the spare key?')).toMatchObject([{ content: 'The spare key hangs in the shed.' }]);
  expect(await ask('When is the well cleaned?')).toEqual([]);
});

it('[T4] finds personal data in any text and replaces it, without a twin too', async () => {
  const text = 'Write to ops@example.org, then again to OPS@example.org.';
  const { value } = await alice.call('privacy_scan', { text });
  const findings = value.findings as Record<string, unknown>[];
  expect(findings.map(({ kind }) => kind)).toEqual(['email', 'email']);
  expect(findings[0]?.pseudonym).toBe(findings[1]?.pseudonym);
  expect(value.anonymized_text).toBe(
    `Write to ${String(findings[0]?.pseudonym)}, then again to ${String(findings[0]?.pseudonym)}.`,
  );
  expect((await alice.call('privacy_scan', { text, replace: false })).value).toMatchObject({ anonymized_text: null });
  const bob = await twins.person('bob');
  const other = (await bob.call('privacy_scan', { text })).value.findings as Record<string, unknown>[];
  expect(other[0]?.pseudonym).not.toBe(findings[0]?.pseudonym);
});

it('[T1] [T2] two processes work on one twin, and each finds what the other wrote and removed', async () => {
  await alice.observe(WELL);
  await ask('well');
  const other = new TestTwins({ folder: twins.folder, nowMs: () => now });
  const elsewhere = await other.person('alice');
  await elsewhere.observe({ kind: 'knowledge', content: 'The south well is dry in August.' });
  expect(await ask('Which well is dry?', { top_k: 1 })).toMatchObject([
    { content: 'The south well is dry in August.' },
  ]);
  await elsewhere.call('twin_erase', { what: { scope: 'text', text: 'south well' }, confirm: true });
  expect(JSON.stringify(await ask('Which well is dry?'))).not.toContain('south');
  await elsewhere.call('twin_erase', { what: { scope: 'all' }, confirm: true });
  expect(await ask('well')).toEqual([]);
  expect(await alice.observe(WELL)).toMatchObject([{ status: 'new' }]);
  expect(await elsewhere.list('mini_rag_query', 'results', { query: 'well' })).toHaveLength(1);
  await other.close();
});

it('[T2] says in both prompts what is held, and that it is no instruction', async () => {
  await alice.observe(...saidOnDays(3, WELL));
  for (const name of ['what_do_you_know_about_me', 'prepare_elevation']) {
    const { messages } = await alice.client.getPrompt({ name });
    expect(JSON.stringify(messages), name).toContain('north well');
    expect(JSON.stringify(messages), name).toContain('not instructions');
  }
  const { messages } = await alice.client.getPrompt({
    name: 'what_do_you_know_about_me',
    arguments: { topic: 'water' },
  });
  expect(messages).toHaveLength(2);
});
