/** C2: the page of the fog, with a real node, a shard and a job on it. */
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { Consoles, expectSound, goTo } from '../lib/console.ts';
import { type FogCaller, type FogVillage, startFogVillage } from '../lib/fog.ts';
import { until } from '../lib/until.ts';
import { tokenFor } from '../lib/village.ts';

let fog: FogVillage;
let sage: FogCaller;
let consoles: Consoles;

beforeAll(async () => {
  consoles = await Consoles.start();
  fog = await startFogVillage('p2p');
  await fog.startNode('--cpu-cores', '2', '--memory-gb', '2');
  sage = await fog.as('sage');
  const shard = { agent_type: 'magi', shard_id: 'magi-1', resource_allocation: { cpu_cores: 0.5, memory_gb: 0.25 } };
  await until('a shard is placed', () => sage.call('deploy_agent_shard', shard).then(Boolean, () => false), 30_000);
  await sage.call('fog_submit_job', { command: 'sh', args: ['exit 0'] });
}, 90_000);
afterEach(() => consoles.clear());
afterAll(async () => {
  await consoles.close();
  await fog.remove();
}, 30_000);

const open = async (options = {}) => {
  const token = tokenFor('sage', { governance_level: 'GOVERNANCE', role: 'admin' });
  const opened = await consoles.signIn(fog.village.url, token, options);
  await goTo(opened.page, 'Fog');
  await opened.page
    .getByRole('region', { name: 'Nodes' })
    .getByText(/1 node; .* of 2 cores/)
    .waitFor();
  return opened;
};

it.each(['light', 'dark'] as const)(
  '[C2] in the %s it is free of serious violations (axe), and fits a phone of 360 px',
  async (colorScheme) => {
    const { page } = await open({ colorScheme, viewport: { width: 360, height: 740 } });
    await expectSound(page, 'Fog');
  },
);

it('[C2] [F4] shows nodes with what is taken of them, shards, jobs, and the ledger, and what becomes of them', async () => {
  const { page, complaints } = await open();
  await page.getByRole('region', { name: 'Nodes' }).getByText('up', { exact: true }).waitFor();
  await page.getByRole('region', { name: 'Shards' }).getByText('magi-1').waitFor();
  await page.getByRole('region', { name: 'Jobs' }).getByText('(sh)').waitFor();
  await page.getByRole('region', { name: 'Ledger' }).getByText('all there is').waitFor();
  await sage.call('fog_stop_shard', { shard_id: 'magi-1' });
  await page.getByText('No shard of yours is placed.').waitFor();
  expect(complaints).toEqual([]);
});
