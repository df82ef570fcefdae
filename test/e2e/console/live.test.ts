/** C2: calls as they are made, in a real browser: seen, narrowed, held still, looked into; a thousand a second do not freeze it. */
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { Consoles, goTo } from '../lib/console.ts';
import { Load } from '../lib/load.ts';
import { untilListed } from '../lib/oracle.ts';
import { RawSession } from '../lib/raw-client.ts';
import { fixture, tokenFor, Village } from '../lib/village.ts';

const CALLS_PER_SECOND = 1_000;
const WATCHED_SECONDS = 4;
/** What a quiet machine shows is printed: 30 and more. A page that freezes shows none for seconds. */
const LEAST_FRAMES_PER_SECOND = 5;
const LONGEST_STILL_MS = 2_000;

let village: Village;
let consoles: Consoles;
let alice: RawSession;

beforeAll(async () => {
  consoles = await Consoles.start();
  village = await Village.start({
    config: {
      mcpServers: { mirror: fixture('mirror.ts') },
      agents: { alice: { level: 'OPERATOR' }, sage: { level: 'GOVERNANCE', role: 'admin' } },
      permissions: [{ match: 'mirror/*', level: 'OPERATOR' }],
    },
  });
  alice = await RawSession.open(village.url, tokenFor('alice'));
  await untilListed(alice, 'mirror__mirror');
}, 90_000);
afterEach(() => consoles.clear());
afterAll(async () => {
  await consoles.close();
  await village.remove();
});

const watch = async () => {
  const token = tokenFor('sage', { governance_level: 'GOVERNANCE', role: 'admin' });
  const opened = await consoles.signIn(village.url, token);
  await goTo(opened.page, 'Calls');
  return opened;
};

it('[C2] shows a call as it is made, with its charts, and where its time went', async () => {
  const { page, complaints } = await watch();
  const calls = page.getByRole('region', { name: 'Last calls' });
  await calls.waitFor();
  await alice.call('mirror__mirror', { a: 1 });
  const row = calls.getByRole('row').filter({ hasText: 'alice' });
  await row.first().getByText('ok').waitFor();
  await page.getByRole('img', { name: /^Calls per second over two minutes: now all/ }).waitFor();
  await page.getByRole('img', { name: /^Latency over two minutes/ }).waitFor();
  await row.first().getByRole('button', { name: 'mirror__mirror' }).click();
  const chosen = page.getByRole('region', { name: 'The chosen call' });
  await chosen.getByText('its server', { exact: true }).waitFor();
  expect(await chosen.getByRole('row').count()).toBe(5);
  expect(complaints).toEqual([]);
});

it('[C2] narrows the calls to a word, and holds them still', async () => {
  const { page } = await watch();
  const calls = page.getByRole('region', { name: 'Last calls' });
  await alice.call('mirror__mirror', {});
  await alice.call('audit_query', {});
  const denied = calls.getByRole('row').filter({ hasText: 'denied' });
  await denied.first().waitFor();
  await calls.getByRole('searchbox').fill('DENIED');
  await expect.poll(() => calls.getByRole('button', { name: 'mirror__mirror' }).count()).toBe(0);
  expect(await denied.count()).toBe(1);
  await calls.getByRole('searchbox').fill('');
  await calls.getByRole('button', { name: 'mirror__mirror' }).first().waitFor();
  await calls.getByRole('button', { name: 'Hold still' }).click();
  const before = await calls.getByRole('row').count();
  await alice.call('audit_verify', {});
  // What is held is not loaded away: the newer call is there when it goes on.
  expect(await calls.getByRole('row').count()).toBe(before);
  await calls.getByRole('button', { name: 'Go on' }).click();
  await calls.getByRole('button', { name: 'audit_verify' }).first().waitFor();
});

it('[C2] watching makes no calls: nothing of it is on record', async () => {
  const { page } = await watch();
  const calls = page.getByRole('region', { name: 'Last calls' });
  await calls.getByRole('row').nth(1).waitFor();
  const ofSage = async () => (await village.audit()).filter(({ agent }) => agent === 'sage').length;
  const before = await ofSage();
  const rows = calls.getByRole('row').filter({ hasText: 'alice' });
  // Each look of the page shows one more.
  for (let looks = 0; looks < 2; looks++) {
    const seen = await rows.count();
    await alice.call('mirror__mirror', { looks });
    await expect.poll(() => rows.count()).toBeGreaterThan(seen);
  }
  expect(await ofSage()).toBe(before);
});

it('[C2] a thousand live calls a second do not freeze the page', { timeout: 60_000 }, async () => {
  const { page, complaints } = await watch();
  const load = new Load(alice, CALLS_PER_SECOND, 64, (n) => ({ name: 'mirror__mirror', arguments: { n } }));
  const frames = (await page.evaluate(`new Promise((resolve) => {
    const until = performance.now() + ${WATCHED_SECONDS * 1_000};
    let count = 0;
    let longest = 0;
    let last = performance.now();
    const frame = (now) => {
      count++;
      longest = Math.max(longest, now - last);
      last = now;
      if (now < until) requestAnimationFrame(frame);
      else resolve({ count, longest });
    };
    requestAnimationFrame(frame);
  })`)) as { count: number; longest: number };
  await load.end();
  const made = load.answers.length / WATCHED_SECONDS;
  const perSecond = frames.count / WATCHED_SECONDS;
  console.info(
    `${Math.round(made)} calls/s: ${perSecond.toFixed(0)} frames/s, the longest ${Math.round(frames.longest)} ms`,
  );
  expect(load.answers.every(({ message }) => message.error === undefined)).toBe(true);
  // The fault was there: so many that nobody could read them.
  expect(made).toBeGreaterThan(CALLS_PER_SECOND / 10);
  expect(perSecond).toBeGreaterThan(LEAST_FRAMES_PER_SECOND);
  expect(frames.longest).toBeLessThan(LONGEST_STILL_MS);
  await page.getByRole('link', { name: 'Stop' }).click();
  await page.getByRole('heading', { name: 'Stop', level: 1 }).waitFor();
  expect(complaints).toEqual([]);
});
