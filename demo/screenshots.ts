/**
 * `npm run screenshots`: the pictures of the console under docs/console, taken of a real village with a little real life in it, on a
 * data folder that is thrown away. Needs a Chromium: CHROMIUM names it where it is not /usr/bin/chromium.
 */
import type { ChildProcess } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { chromium, type Page } from 'playwright-core';
import { call, type DemoVillage, firstReady, startVillage } from './village.ts';
import { endProcess, soon } from './within.ts';
import { startNode } from './workflow-3.ts';

const FOLDER = fileURLToPath(new URL('../docs/console/', import.meta.url));
const MAX_BYTES = 150_000;
const WIDE = { width: 1100, height: 760 };
const PHONE = { width: 360, height: 740 };
/** So long agents work while nobody looks, for the charts of the last minutes. */
const LIVE_MS = 40_000;
/** A caller may make 100 calls a minute. */
const BETWEEN_CALLS_MS = 900;
const WORKERS = ['oracle', 'navigator', 'maker', 'scribe', 'medic', 'tutor'];

const DOCUMENTS = [
  {
    id: 'arle',
    title: 'The river Arle',
    text: 'The river Arle rises at Larkhill and reaches the sea at Thornbury. The old mill of Thornbury stands on its left bank.',
  },
  {
    id: 'mill',
    title: 'The old mill',
    text: 'The old mill of Thornbury was built by Ada Greenwood in 1790. Since 1950 it is a museum of the village.',
  },
  {
    id: 'greenwood',
    title: 'Ada Greenwood',
    text: 'Ada Greenwood was born in Larkhill. She was an engineer, kept the accounts of Thornbury and taught at the school of Larkhill.',
  },
];

const village = await startVillage();
const nodes: ChildProcess[] = [];
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'],
});
try {
  const magi = await village.connect('magi');
  const sage = await village.connect('sage');
  await settle(sage);
  await placeWork(village, magi, nodes);
  await propose(sage, await village.connect('curator'));
  await live(village);
  const page = await open('king', WIDE, 'light');
  await take(page, 'overview', 'Overview');
  await take(page, 'calls', 'Calls', async () => {
    await page.getByRole('cell').getByRole('button').first().click();
    await page.getByRole('region', { name: 'The chosen call' }).getByRole('row').nth(1).waitFor();
    await page.getByRole('region', { name: 'Calls per second and latencies' }).waitFor();
  });
  await take(page, 'governance', 'Governance', async () => {
    await page.getByRole('button', { name: 'Longer memory' }).click();
    await page.getByRole('button', { name: 'Vote' }).waitFor();
  });
  await take(page, 'knowledge', 'Knowledge', async () => {
    await page.getByLabel('Question').fill('Where was the builder of the old mill of Thornbury born?');
    await page.getByRole('button', { name: 'Ask' }).click();
    await page.getByText('How it was found').nth(1).click();
  });
  const drawGraph = async () => {
    await page.getByRole('textbox', { name: 'Name' }).fill('Ada Greenwood');
    await page.getByRole('button', { name: 'Show' }).click();
    await page.getByRole('img', { name: /around/ }).waitFor();
  };
  await take(page, 'knowledge-graph', 'Knowledge', drawGraph, 'Around a name');
  await take(page, 'fog', 'Fog');
  await take(page, 'audit', 'Audit', async () => {
    await page.getByRole('button', { name: 'Verify' }).click();
    await page.getByText(/records verified/).waitFor();
  });
  await take(page, 'access', 'Access', async () => {
    await page.getByLabel('Tool').fill('governance_policy');
    await page.getByRole('textbox', { name: 'Agent' }).fill('scribe');
    await page.getByRole('button', { name: 'Explain' }).click();
    await page.getByText('needs level').first().waitFor();
  });
  await take(page, 'matrix', 'Access', undefined, 'Who may what');
  await take(await open('king', WIDE, 'dark'), 'overview-dark', 'Overview');
  await take(await open('king', PHONE, 'light'), 'calls-phone', 'Calls');
} finally {
  await browser.close();
  await Promise.all(nodes.map(endProcess));
  await village.close();
}

async function settle(sage: Client): Promise<void> {
  await call(sage, 'hyperrag_ingest', { documents: DOCUMENTS, namespace: 'shared' });
  await call(sage, 'system_performance', { history_minutes: 0 });
}

async function placeWork({ command }: DemoVillage, magi: Client, started: ChildProcess[]): Promise<void> {
  await call(magi, 'fog_resources', {});
  await call(magi, 'p2p_status', {});
  const address = await soon('the address of the peers', async () =>
    (await command('p2p', 'address').catch(() => '')).trim(),
  );
  for (let n = 0; n < 2; n++) started.push(startNode(village, address));
  await Promise.all(started.map((node) => firstReady(node, 'a fog node to join')));
  const resource_allocation = { cpu_cores: 0.5, memory_gb: 0.25, priority: 'normal' };
  for (const shard_id of ['magi-1', 'magi-2']) {
    await soon('a node to take the work', () =>
      call(magi, 'deploy_agent_shard', { agent_type: 'magi', shard_id, resource_allocation }).catch(() => undefined),
    );
  }
}

async function propose(sage: Client, curator: Client): Promise<void> {
  const impact_assessment = { affected_systems: ['hyperrag'], risk_level: 'low', reversible: true };
  const asked = { type: 'minor_change', impact_assessment };
  const { proposal_id } = await call(sage, 'governance_proposal', {
    ...asked,
    title: 'A museum guide for the old mill',
    description: 'What is known of the mill becomes a guide for visitors.',
  });
  await call(curator, 'governance_vote', { proposal_id, vote: 'approve', reasoning: 'Visitors asked for it' });
  await call(sage, 'governance_proposal', {
    ...asked,
    type: 'major_change',
    title: 'Longer memory',
    description: 'Ninety days instead of thirty: the winter is long.',
    action: { tool: 'governance_policy', arguments: { policy: 'knowledge.retention_days', value: 90 } },
  });
}

/** Agents ask, and one tries what it may not. */
async function live({ connect }: DemoVillage): Promise<void> {
  const clients = await Promise.all(WORKERS.map((agent) => connect(agent)));
  const until = performance.now() + LIVE_MS;
  await Promise.all(
    clients.map(async (client, at) => {
      for (let n = at; performance.now() < until; n++) {
        const pause = BETWEEN_CALLS_MS * (1 + Math.sin(n));
        const asked =
          n % 11 === 10
            ? client.callTool({ name: 'audit_query', arguments: {} })
            : n % 3 === 0
              ? client.callTool({ name: 'service_list', arguments: {} })
              : client.callTool({ name: 'hyperrag_query', arguments: { query: 'Who built the old mill?' } });
        await asked.catch(() => undefined);
        await new Promise((resolve) => setTimeout(resolve, pause));
      }
    }),
  );
}

async function open(agent: string, viewport: typeof WIDE, colorScheme: 'light' | 'dark'): Promise<Page> {
  const context = await browser.newContext({ viewport, colorScheme, locale: 'en-GB', timezoneId: 'UTC' });
  const page = await context.newPage();
  await page.goto(village.url);
  await page.getByLabel('Token').fill((await village.command('token', 'issue', '--agent', agent)).trim());
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('heading', { name: 'Overview' }).waitFor();
  return page;
}

/** @param region that stands at the top of the picture, instead of the page's own top */
async function take(
  page: Page,
  file: string,
  name: string,
  prepare?: () => Promise<void>,
  region?: string,
): Promise<void> {
  await page.getByRole('navigation').getByRole('link', { name, exact: true }).click();
  await page.getByRole('heading', { name, level: 1 }).waitFor();
  await prepare?.();
  while ((await page.getByText('Loading …').count()) > 0) await page.waitForTimeout(100);
  if (region === undefined) await page.evaluate('scrollTo(0, 0)');
  else await page.evaluate(`document.querySelector('section[aria-label="${region}"]').scrollIntoView()`);
  const bytes = await page.screenshot({ animations: 'disabled' });
  if (bytes.length > MAX_BYTES) throw new Error(`${file} has ${bytes.length} bytes, more than ${MAX_BYTES}`);
  fs.mkdirSync(FOLDER, { recursive: true });
  fs.writeFileSync(path.join(FOLDER, `${file}.png`), bytes);
  process.stdout.write(`docs/console/${file}.png ${Math.round(bytes.length / 1_024)} KB\n`);
}
