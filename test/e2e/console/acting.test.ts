/** C2: what people do in the console, in a real browser on a real router: vote, stop, ask why, verify; and what they see when it is lost. */
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { Consoles, goTo, type Opened } from '../lib/console.ts';
import { approvalOf, type Governed, governedConfig, startGoverned, until } from '../lib/governed.ts';
import { tokenFor, Village } from '../lib/village.ts';

let governed: Governed;
let consoles: Consoles;

beforeAll(async () => {
  consoles = await Consoles.start();
  governed = await startGoverned();
}, 90_000);
afterEach(() => consoles.clear());
afterAll(async () => {
  await consoles.close();
  await governed.remove();
});

const LEVELS = { alice: 'OPERATOR', sage: 'GOVERNANCE', king: 'EMERGENCY' } as const;

function signIn(agent: keyof typeof LEVELS): Promise<Opened> {
  const role = agent === 'alice' ? 'developer' : 'admin';
  return consoles.signIn(governed.village.url, tokenFor(agent, { governance_level: LEVELS[agent], role }));
}

it('[C2] [G4] shows a proposal as it is made, takes the vote, shows the action executed, and verifies the audit', async () => {
  const { page, complaints } = await signIn('sage');
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
  await page.getByRole('button', { name: 'Look for gaps' }).click();
  await page.getByText(/^The last \d+ records are without a gap/).waitFor();
  expect(complaints).toEqual([]);
});

it('[C2] [E1] stops everything and goes on', async () => {
  const { page } = await signIn('king');
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
  const { page } = await signIn('sage');
  await goTo(page, 'Access');
  await page.getByLabel('Tool').fill('free__get');
  await page.getByRole('textbox', { name: 'Agent' }).fill('alice');
  await page.getByRole('button', { name: 'Explain' }).click();
  await page.getByText('denied').waitFor();
  await page.getByText('needs level GOVERNANCE').waitFor();
  await page.getByText('"match":"free/get"').waitFor();
});

it('[C2] [M1] prints the whole matrix for who may know it, and narrows it to a name or an agent', async () => {
  const { page } = await signIn('sage');
  await goTo(page, 'Access');
  const matrix = page.getByRole('region', { name: 'Who may what' });
  const rowOf = (name: string) => matrix.getByRole('row').filter({ has: page.getByText(name, { exact: true }) });
  await expect.poll(() => rowOf('free__echo').textContent()).toContain('all 5 agents');
  expect(await rowOf('free__get').textContent()).toMatch(/free\/get.*GOVERNANCE.*king, sage, curator/);
  expect(await rowOf('ledger__append').textContent()).toMatch(/a vote \(minor change\).*after a vote: all 5 agents/);
  await matrix.getByLabel('Name, server or row').fill('ledger');
  await expect.poll(() => rowOf('free__echo').count()).toBe(0);
  await matrix.getByLabel('Name, server or row').fill('');
  await matrix.getByLabel('Agent').selectOption('alice');
  await expect.poll(() => rowOf('free__get').count()).toBe(0);
  expect(await rowOf('free__echo').count()).toBe(1);
});

it('[C2] [M2] shows a caller with few rights what it may see, and says what it may not', async () => {
  const { page } = await signIn('alice');
  await goTo(page, 'Audit');
  await page.getByText('may not read the audit').waitFor();
  await goTo(page, 'Stop');
  await page.getByText('may not stop the village').waitFor();
  await goTo(page, 'Access');
  await page.getByText('These are what you may use').waitFor();
  expect(await page.getByText('free__get', { exact: true }).count()).toBe(0);
  await goTo(page, 'Calls');
  await page.getByText('These are your own calls').waitFor();
  await goTo(page, 'Knowledge');
  await page.getByText('knowledge server is not among the servers').waitFor();
  await goTo(page, 'Fog');
  await page.getByText('fog server is not among the servers').waitFor();
});

it('[C2] is used with the keyboard alone: the menu, and the heading of each page has the focus', async () => {
  const { page } = await signIn('sage');
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

it('[C2] says that the router is lost, and comes back by itself', { timeout: 60_000 }, async () => {
  const { page } = await signIn('sage');
  await goTo(page, 'Servers');
  await page.getByRole('cell', { name: 'governance' }).waitFor();
  const { village, ledger } = governed;
  await village.stop('SIGKILL');
  await page.getByText('The router does not answer').waitFor({ timeout: 15_000 });
  // What was seen stays.
  expect(await page.getByRole('cell', { name: 'governance' }).isVisible()).toBe(true);
  governed.village = await Village.start({
    config: governedConfig(ledger),
    folder: village.folder,
    port: Number(new URL(village.url).port),
  });
  await page.getByText('The router does not answer').waitFor({ state: 'detached', timeout: 20_000 });
  await goTo(page, 'Access');
  await page.getByText('governance_vote', { exact: true }).first().waitFor({ timeout: 15_000 });
});
