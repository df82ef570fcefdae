/** C2: every page with life in it, on a village of real servers: knowledge with its paths and graph, alerts; sound for all readers. */
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { Consoles, expectSound, goTo } from '../lib/console.ts';
import { structured } from '../lib/governed.ts';
import { untilListed } from '../lib/oracle.ts';
import { RawSession } from '../lib/raw-client.ts';
import { LAUNCHER, tokenFor, Village } from '../lib/village.ts';

const PAGES = ['Overview', 'Calls', 'Servers', 'Governance', 'Knowledge', 'Audit', 'Access', 'Stop'];
const serve = (id: string) => ({ command: 'node', args: [LAUNCHER, 'serve', id] });
const DOCUMENTS = [
  {
    id: 'mill',
    title: 'The old mill',
    text: 'The old mill of Thornbury was built by Ada Greenwood in 1790. The mill stands beside the river Arle.',
  },
  {
    id: 'greenwood',
    title: 'Ada Greenwood',
    text: 'Ada Greenwood was born in Larkhill. She kept the accounts of the village and taught at the school of Larkhill.',
  },
  { id: 'larkhill', title: 'Larkhill', text: 'Larkhill lies in the valley of the river Arle, a day from Thornbury.' },
];

let village: Village;
let consoles: Consoles;

beforeAll(async () => {
  consoles = await Consoles.start();
  village = await Village.start({
    config: {
      mcpServers: { hyperrag: serve('hyperrag'), monitoring: serve('monitoring'), governance: serve('governance') },
      agents: { king: { level: 'EMERGENCY', role: 'admin' }, sage: { level: 'GOVERNANCE', role: 'admin' } },
    },
  });
  const sage = await RawSession.open(village.url, tokenFor('sage', { governance_level: 'GOVERNANCE', role: 'admin' }));
  for (const tool of ['hyperrag_ingest', 'governance_proposal', 'system_performance']) await untilListed(sage, tool);
  structured(await sage.call('hyperrag_ingest', { documents: DOCUMENTS, namespace: 'shared' }));
  structured(
    await sage.call('governance_proposal', {
      title: 'Keep knowledge for longer',
      description: 'The winter was long.',
      type: 'minor_change',
      impact_assessment: { affected_systems: ['hyperrag'], risk_level: 'low', reversible: true },
    }),
  );
}, 90_000);
afterEach(() => consoles.clear());
afterAll(async () => {
  await consoles.close();
  await village.remove();
});

const signIn = (options = {}) =>
  consoles.signIn(village.url, tokenFor('king', { governance_level: 'EMERGENCY', role: 'admin' }), options);

it('[C2] [H2] [H4] answers a question with the path to each passage, and draws the names around a name', async () => {
  const { page, complaints } = await signIn();
  await goTo(page, 'Knowledge');
  await page.getByLabel('Question').fill('Where was the builder of the old mill of Thornbury born?');
  await page.getByRole('button', { name: 'Ask' }).click();
  const hits = page.getByRole('region', { name: 'Ask' });
  const hit = hits.getByRole('listitem').filter({ has: page.getByRole('heading', { name: 'Ada Greenwood' }) });
  await hit.getByText('born in Larkhill').waitFor();
  await hit.getByText(/% sure; document from/).waitFor();
  await hit.getByText('How it was found').click();
  await hit.getByText(/^by /).first().waitFor();
  const around = page.getByRole('region', { name: 'Around a name' });
  await around.getByRole('textbox', { name: 'Name' }).fill('Ada Greenwood');
  await around.getByRole('button', { name: 'Show' }).click();
  await around.getByRole('img', { name: /names around ada greenwood/i }).waitFor();
  const next = around.getByRole('cell').getByRole('button', { name: /larkhill/i });
  await next.first().click();
  await around.getByRole('img', { name: /names around larkhill/i }).waitFor();
  await around.getByRole('textbox', { name: 'Name' }).fill('Nobody Whatsoever');
  await around.getByRole('button', { name: 'Show' }).click();
  await around.getByText('Unknown entity').waitFor();
  expect(complaints).toEqual([]);
});

it.each(['light', 'dark'] as const)(
  '[C2] in the %s every page is free of serious violations (axe), and fits a phone of 360 px',
  { timeout: 60_000 },
  async (colorScheme) => {
    const { page, complaints } = await signIn({ colorScheme, viewport: { width: 360, height: 740 } });
    for (const name of PAGES) {
      await goTo(page, name);
      if (name === 'Calls') await page.getByRole('cell').getByRole('button').first().click();
      if (name === 'Governance') await page.getByRole('button', { name: 'Keep knowledge' }).click();
      if (name === 'Knowledge') {
        await page.getByLabel('Question').fill('Who built the old mill?');
        await page.getByRole('button', { name: 'Ask' }).click();
        await page.getByRole('heading', { name: 'The old mill' }).waitFor();
        await page.getByRole('textbox', { name: 'Name' }).fill('Ada Greenwood');
        await page.getByRole('button', { name: 'Show' }).click();
        await page.getByRole('img', { name: /around/ }).waitFor();
      }
      await expectSound(page, name);
    }
    expect(complaints).toEqual([]);
  },
);

it('[C2] [O5] shows the last hour and the alerts of monitoring', async () => {
  const { page } = await signIn();
  await page.getByRole('region', { name: 'Alerts' }).getByText(/^\d+$/).waitFor();
  await page.getByRole('region', { name: 'The last hour' }).getByRole('img').first().waitFor({ timeout: 25_000 });
});
