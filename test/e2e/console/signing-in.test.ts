/** C2: who is signed in to the console, and what happens when that ends; and what the page itself is. */
import fs from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { BUILT, Consoles, enter, goTo } from '../lib/console.ts';
import { send } from '../lib/raw-client.ts';
import { tokenFor, Village } from '../lib/village.ts';

const MAX_GZIPPED_BYTES = 200 * 1024;
const MAX_FIRST_PAINT_MS = 1_000;
const PASSWORD = 'a long enough password of a test';

let village: Village;
let consoles: Consoles;

beforeAll(async () => {
  consoles = await Consoles.start();
  village = await Village.start({ config: { agents: { sage: { level: 'GOVERNANCE', role: 'admin' } } } });
}, 90_000);
afterEach(() => consoles.clear());
afterAll(async () => {
  await consoles.close();
  await village.remove();
});

const sage = (more: Record<string, unknown> = {}) =>
  tokenFor('sage', { governance_level: 'GOVERNANCE', role: 'admin', ...more });
const soon = (seconds: number) => ({ exp: Math.floor(Date.now() / 1_000) + seconds });

it('[C2] signs in with a token of this tab alone, says why one is of no use, and signs out', async () => {
  const { page, complaints, foreign } = await consoles.open(village.url);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByText('Enter a name with its password, or a token.').waitFor();
  await enter(page, tokenFor('sage', { exp: 1 }));
  await page.getByRole('alert').getByText('The token has ended').waitFor();
  await page.getByLabel('Token').fill(sage());
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
  // The browser itself tells of the token that was refused.
  expect(complaints.filter((text) => !text.includes('401'))).toEqual([]);
  expect(foreign).toEqual([]);
});

it('[C2] [A3] signs in by name and password, renews what has ended by itself, and ends it at the router too', async () => {
  const { code, stderr } = await village.cliWith(`${PASSWORD}\n`, 'user', 'add', 'paula', '--role', 'admin');
  expect(code, stderr).toBe(0);
  const { page } = await consoles.open(village.url);
  await page.getByLabel('Name').fill('paula');
  await page.getByLabel('Password').fill('wrong');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByText('User name or password is wrong').waitFor();
  await page.getByLabel('Password').fill(PASSWORD);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByText(/paula · /).waitFor();
  const kept = async () =>
    (await page.evaluate("JSON.parse(sessionStorage.getItem('aivillage.token'))")) as Record<string, string>;
  const first = await kept();
  // As if a quarter of an hour had passed: the token of access is gone, the one that renews it is there.
  await page.evaluate(
    `sessionStorage.setItem('aivillage.token', ${JSON.stringify(JSON.stringify({ ...first, accessToken: sage({ exp: 1 }) }))})`,
  );
  await page.reload();
  await page.getByText('All are healthy.').waitFor();
  await expect.poll(async () => (await kept()).refreshToken).not.toBe(first.refreshToken);
  const { refreshToken, accessToken } = await kept();
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByLabel('Token').waitFor();
  const refresh = () =>
    fetch(`${village.url}/api/auth/refresh`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ refresh_token: refreshToken }),
    });
  await expect.poll(async () => (await refresh()).status).toBe(401);
  const verify = await fetch(`${village.url}/api/auth/verify`, { headers: { authorization: `Bearer ${accessToken}` } });
  expect(verify.status).toBe(401);
});

it('[C2] asks for another token when one has ended, and loses nothing that was typed', {
  timeout: 60_000,
}, async () => {
  const { page } = await consoles.signIn(village.url, sage(soon(10)));
  await goTo(page, 'Access');
  await page.getByLabel('Tool').fill('audit_query');
  const again = page.getByRole('region', { name: 'Sign in again' });
  await again.waitFor();
  await page.getByLabel('Tool').fill('audit_verify');
  await page.getByRole('button', { name: 'Explain' }).click();
  await page.getByText('sign in again', { exact: false }).first().waitFor();
  await again.getByLabel('Token').fill(sage());
  await again.getByRole('button', { name: 'Sign in' }).click();
  await again.waitFor({ state: 'detached' });
  expect(await page.getByLabel('Tool').inputValue()).toBe('audit_verify');
  await page.getByRole('button', { name: 'Explain' }).click();
  await page.getByText('allowed', { exact: true }).first().waitFor();
  await page.getByText('"match":"audit_verify"').waitFor();
});

it('[C2] [S7] is small, paints at once, and loads nothing from elsewhere', async () => {
  const { page } = await consoles.open(village.url);
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
  const { headers } = await send(village.url, { method: 'GET', path: '/' });
  expect(headers['content-security-policy']).toContain("default-src 'none'");
  expect(headers['content-security-policy']).not.toContain('unsafe');
  expect(await page.evaluate('fetch("https://example.org").then(String, String)')).toContain('Failed to fetch');
  const elsewhere = await send(village.url, { method: 'GET', path: '/assets/../../package.json' });
  expect(elsewhere.status).toBe(401);
});

it('[C2] says in words what a village does not have', async () => {
  const { page } = await consoles.signIn(village.url, sage());
  await page.getByText('come from the monitoring server').waitFor();
  for (const [name, words] of [
    ['Governance', 'governance server is not among the servers'],
    ['Knowledge', 'knowledge server is not among the servers'],
    ['Fog', 'fog server is not among the servers'],
  ] as const) {
    await goTo(page, name);
    await page.getByText(words).waitFor();
  }
});
