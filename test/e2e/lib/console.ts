/** The console in a real browser (C2), built as `npm install` builds it: what its tests share. */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { expect } from 'vitest';
import { ROOT } from './village.ts';

export const BUILT = path.join(ROOT, 'dist/console');
const axe = fs.readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

export interface Opened {
  readonly page: Page;
  /** What the browser complained about: errors of scripts, and what the page's policy refused. */
  readonly complaints: readonly string[];
  /** What it asked others than the router for. */
  readonly foreign: readonly string[];
}

export class Consoles {
  private readonly browser: Browser;

  private constructor(browser: Browser) {
    this.browser = browser;
  }

  static async start(): Promise<Consoles> {
    if (isStale()) {
      const { status, stderr } = spawnSync(process.execPath, [path.join(ROOT, 'build.mjs')], { encoding: 'utf8' });
      expect(status, stderr).toBe(0);
    }
    return new Consoles(
      await chromium.launch({
        executablePath: '/usr/bin/chromium',
        args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'],
      }),
    );
  }

  async open(url: string, options: BrowserContextOptions = {}): Promise<Opened> {
    const page = await (await this.browser.newContext(options)).newPage();
    const complaints: string[] = [];
    const foreign: string[] = [];
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('console', (message) => {
      if (message.type() === 'error') complaints.push(message.text());
    });
    page.on('request', (request) => {
      if (!request.url().startsWith(url) && !request.url().startsWith('data:')) foreign.push(request.url());
    });
    await page.goto(url);
    return { page, complaints, foreign };
  }

  async signIn(url: string, token: string, options: BrowserContextOptions = {}): Promise<Opened> {
    const opened = await this.open(url, options);
    await enter(opened.page, token);
    await opened.page.getByRole('heading', { name: 'Overview' }).waitFor();
    return opened;
  }

  /** Closes all pages. */
  async clear(): Promise<void> {
    for (const context of this.browser.contexts()) await context.close();
  }

  async close(): Promise<void> {
    await this.browser.close();
  }
}

export async function enter(page: Page, token: string): Promise<void> {
  await page.getByLabel('Token').fill(token);
  await page.getByRole('button', { name: 'Sign in' }).click();
}

export async function goTo(page: Page, name: string): Promise<void> {
  await page.getByRole('navigation').getByRole('link', { name, exact: true }).click();
  await page.getByRole('heading', { name, level: 1 }).waitFor();
}

/** Everything is there, is in words, has no serious violation (axe), and is no wider than the screen. */
export async function expectSound(page: Page, name: string): Promise<void> {
  await expect.poll(() => page.getByText('Loading …').count()).toBe(0);
  expect(await page.locator('body').textContent(), name).not.toMatch(/Invalid Date|undefined|NaN|\[object/);
  await page.evaluate(axe);
  const found = (await page.evaluate('axe.run()')) as { violations: { id: string; impact: string; nodes: object[] }[] };
  const serious = found.violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
  expect(serious.map(({ id, nodes }) => `${name}: ${id} ${JSON.stringify(nodes[0])}`)).toEqual([]);
  const tooWide = 'document.documentElement.scrollWidth - document.documentElement.clientWidth';
  expect(await page.evaluate(tooWide), `${name} is wider than the screen`).toBeLessThanOrEqual(0);
}

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
