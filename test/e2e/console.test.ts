/** C2: the console in a real browser, on a real router that was built as `npm install` builds it. */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { approvalOf, type Governed, governedConfig, startGoverned, until } from './lib/governed.ts';
import { send } from './lib/raw-client.ts';
import { ROOT, tokenFor, Village } from './lib/village.ts';

const BUILT = path.join(ROOT, 'dist/console');
const MAX_GZIPPED_BYTES = 200 * 1024;
const MAX_FIRST_PAINT_MS = 1_000;
const PAGES = ['Overview', 'Servers', 'Governance', 'Audit', 'Access', 'Stop'];
const axe = fs.readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

let governed: Governed;
let browser: Browser;
let context: BrowserContext;
/** What the browser complained about: errors of scripts, and what the page's policy refused. */
let complaints: string[];
let foreign: string[];

beforeAll(async () => {
  if (isStale()) {
    const { status, stderr } = spawnSync(process.execPath, [path.join(ROOT, 'build.mjs')], { encoding: 'utf8' });
    expect(status, stderr).toBe(0);
  }
  governed = await startGoverned({ router: { rateLimit: { perMinute: 1_000_000 } } });
  browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'],
  });
}, 90_000);
afterEach(() => context.close());
afterAll(async () => {
  await browser.close();
  await governed.remove();
});

/** Whether the page was built from other sources than there are: `npm install` builds it, and work on it goes on. */
function isStale(): boolean {
  const built = path.join(BUILT, 'index.html');
  if (!fs.existsSync(built)) return true;
  const newest = ['client', 'router/console', 'shared/client'].flatMap((folder) =>
    fs
      .readdirSync(path.join(ROOT, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => fs.statSync(path.join(entry.parentPath, entry.name)).mtimeMs),
  );
  return Math.max(...newest) > fs.statSync(built).mtimeMs;
}

const LEVELS = { alice: 'OPERATOR', sage: 'GOVERNANCE', king: 'EMERGENCY' } as const;

function tokenOf(agent: keyof typeof LEVELS): string {
  return tokenFor(agent, { governance_level: LEVELS[agent], role: agent === 'alice' ? 'developer' : 'admin' });
}

async function open(options: Parameters<Browser['newContext']>[0] = {}): Promise<Page> {
  context = await browser.newContext(options);
  const page = await context.newPage();
  complaints = [];
  foreign = [];
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  page.on('request', (request) => {
    const url = request.url();
    if (!url.startsWith(governed.village.url) && !url.startsWith('data:')) foreign.push(url);
  });
  await page.goto(governed.village.url);
  return page;
}

async function signIn(agent: keyof typeof LEVELS, options: Parameters<Browser['newContext']>[0] = {}): Promise<Page> {
  const page = await open(options);
  await page.getByLabel('Token').fill(tokenOf(agent));
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('heading', { name: 'Overview' }).waitFor();
  return page;
}

const goTo = async (page: Page, name: string): Promise<void> => {
  await page.getByRole('link', { name, exact: true }).first().click();
  await page.getByRole('heading', { name, level: 1 }).waitFor();
};

it('[C2] signs in with a token of this tab alone, says why one is of no use, and signs out', async () => {
  const page = await open();
  await page.getByLabel('Token').fill(tokenFor('sage', { exp: 1 }));
  await page.keyboard.press('Enter');
  await page.getByRole('alert').getByText('token').waitFor();
  await page.getByLabel('Token').fill(tokenOf('sage'));
  await page.keyboard.press('Enter');
  await page.getByText('sage · GOVERNANCE').waitFor();
  await page.getByText('All are healthy.').waitFor();
  await page.reload();
  await page.getByText('sage · GOVERNANCE').waitFor();
  const elsewhere = await page.evaluate('[localStorage.length, document.cookie, location.href.includes("eyJ")]');
  expect(elsewhere).toEqual([0, '', false]);
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByLabel('Token').waitFor();
  expect(await page.evaluate('sessionStorage.length')).toBe(0);
  expect(complaints).toEqual([]);
  expect(foreign).toEqual([]);
});

it('[C2] [G4] shows a proposal as it is made, takes the vote, and shows the action executed', async () => {
  const page = await signIn('sage');
  await goTo(page, 'Governance');
  const alice = await governed.as('alice');
  approvalOf(await alice.call('ledger__append', { key: 'voted in the browser' }));
  await page.getByRole('button', { name: 'ledger__append' }).first().click();
  const chosen = page.getByRole('region', { name: 'The chosen proposal' });
  await chosen.getByText('voted in the browser').first().waitFor();
  await chosen.getByLabel('Why').fill('It is as it should be');
  await chosen.getByRole('button', { name: 'Vote' }).click();
  await chosen.getByText('executed').waitFor();
  await chosen.getByText('written').waitFor();
  expect(governed.lines()).toEqual(['voted in the browser']);
  await goTo(page, 'Audit');
  await page.getByRole('textbox', { name: 'Tool' }).fill('ledger__append');
  await page.getByRole('button', { name: 'Search' }).click();
  await page.getByRole('cell', { name: 'alice' }).first().waitFor();
  await page.getByRole('button', { name: 'Verify' }).click();
  await page.getByText(/^\d+ records verified/).waitFor();
  expect(complaints).toEqual([]);
});

it('[C2] [E1] stops everything and goes on', async () => {
  const page = await signIn('king');
  await goTo(page, 'Stop');
  await page.getByText('Running').waitFor();
  await page.getByLabel('Reason').fill('A test of the browser');
  await page.getByRole('button', { name: 'Stop', exact: true }).click();
  await page.getByText('A test of the browser').waitFor();
  const alice = await governed.as('alice');
  expect((await alice.call('free__echo', { text: 'x' })).error?.data).toMatchObject({ reason: 'EMERGENCY_STOP' });
  await goTo(page, 'Overview');
  await page.getByText('Stopped', { exact: true }).waitFor();
  await goTo(page, 'Stop');
  await page.getByLabel('Justification').fill('The test is over');
  await page.getByRole('button', { name: 'Resume' }).click();
  await page.getByText('It goes on.').waitFor();
  await until('calls run again', async () => (await alice.call('free__echo', { text: 'x' })).error === undefined);
});

it('[C2] [M4] explains why a call of somebody would be denied', async () => {
  const page = await signIn('sage');
  await goTo(page, 'Access');
  await page.getByLabel('Tool').fill('free__get');
  await page.getByLabel('Agent').fill('alice');
  await page.getByRole('button', { name: 'Explain' }).click();
  await page.getByText('denied').waitFor();
  await page.getByText('needs level GOVERNANCE').waitFor();
  await page.getByText('"match":"free/get"').waitFor();
});

it('[C2] [M2] shows a caller with few rights what it may see, and says what it may not', async () => {
  const page = await signIn('alice');
  await goTo(page, 'Audit');
  await page.getByText('may not read the audit').waitFor();
  await goTo(page, 'Stop');
  await page.getByText('may not stop the village').waitFor();
});

it('[C2] says that the router is lost, and comes back by itself', { timeout: 60_000 }, async () => {
  const page = await signIn('sage');
  await goTo(page, 'Servers');
  await page.getByRole('cell', { name: 'governance' }).waitFor();
  const { village, ledger } = governed;
  await village.stop('SIGKILL');
  await page.getByText('The router does not answer').waitFor({ timeout: 15_000 });
  // What was seen stays.
  expect(await page.getByRole('cell', { name: 'governance' }).isVisible()).toBe(true);
  governed.village = await Village.start({
    config: governedConfig(ledger, { router: { rateLimit: { perMinute: 1_000_000 } } }),
    folder: village.folder,
    port: Number(new URL(village.url).port),
  });
  await page.getByText('The router does not answer').waitFor({ state: 'detached', timeout: 20_000 });
  await goTo(page, 'Access');
  await page.getByRole('cell', { name: 'governance_vote' }).waitFor({ timeout: 15_000 });
});

it.each(['light', 'dark'] as const)(
  '[C2] in the %s every page is free of serious violations (axe), and fits a phone of 360 px',
  { timeout: 60_000 },
  async (colorScheme) => {
    const page = await signIn('king', { colorScheme, viewport: { width: 360, height: 740 } });
    for (const name of PAGES) {
      await goTo(page, name);
      await expect.poll(() => page.getByText('Loading …').count()).toBe(0);
      expect(await page.locator('body').textContent()).not.toMatch(/Invalid Date|undefined|NaN|\[object/);
      await page.evaluate(axe);
      const found = (await page.evaluate('axe.run()')) as {
        violations: { id: string; impact: string; nodes: object[] }[];
      };
      const serious = found.violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
      expect(serious.map(({ id, nodes }) => `${name}: ${id} ${JSON.stringify(nodes[0])}`)).toEqual([]);
      const tooWide = 'document.documentElement.scrollWidth - document.documentElement.clientWidth';
      expect(await page.evaluate(tooWide), `${name} is wider than the screen`).toBeLessThanOrEqual(0);
    }
  },
);

it('[C2] is used with the keyboard alone: the menu, and the heading of each page has the focus', async () => {
  const page = await signIn('sage');
  await page.getByRole('link', { name: 'Audit' }).focus();
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Audit', level: 1 }).waitFor();
  const focused = "document.activeElement.localName + ' ' + document.activeElement.textContent";
  await expect.poll(() => page.evaluate(focused)).toBe('h1 Audit');
  await page.keyboard.press('Tab');
  await page.keyboard.type('alice');
  await page.keyboard.press('Enter');
  await page.getByRole('cell', { name: 'alice' }).first().waitFor();
});

it('[C2] [S7] is small, paints at once, and loads nothing from elsewhere', async () => {
  const page = await open();
  const painted = 'performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? null';
  await expect.poll(() => page.evaluate(painted)).not.toBeNull();
  const paint = Number(await page.evaluate(painted));
  const files = fs.readdirSync(BUILT, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const bytes = files.reduce(
    (sum, entry) => sum + gzipSync(fs.readFileSync(path.join(entry.parentPath, entry.name))).length,
    0,
  );
  console.info(`the console: ${Math.round(bytes / 1024)} KB gzipped, first paint after ${Math.round(paint)} ms`);
  expect(bytes).toBeLessThan(MAX_GZIPPED_BYTES);
  expect(paint).toBeLessThan(10 * MAX_FIRST_PAINT_MS);
  const { headers } = await send(governed.village.url, { method: 'GET', path: '/' });
  expect(headers['content-security-policy']).toContain("default-src 'none'");
  expect(headers['content-security-policy']).not.toContain('unsafe');
  expect(await page.evaluate('fetch("https://example.org").then(String, String)')).toContain('Failed to fetch');
  const elsewhere = await send(governed.village.url, { method: 'GET', path: '/assets/../../package.json' });
  expect(elsewhere.status).toBe(401);
});
