import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { deliver } from '../../../../servers/monitoring/webhooks/deliver.ts';
import { Webhooks } from '../../../../servers/monitoring/webhooks/webhooks.ts';
import { silent } from '../../../contract/ways.ts';
import { until } from '../../../e2e/lib/until.ts';
import { openTestStore, type TestStore } from '../../../fixtures/monitoring/store.ts';

let opened: TestStore;
let webhooks: Webhooks | undefined;
/** Statuses of the next answers; 200 when there is none left. */
let statuses: number[] = [];
let paths: string[] = [];
let url = '';
const receiver = createServer((request, response) => {
  paths.push(request.url ?? '');
  response.writeHead(statuses.shift() ?? 200, { location: '/elsewhere' }).end();
});

beforeEach(async () => {
  opened = await openTestStore();
  statuses = [];
  paths = [];
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/hook`;
});
afterEach(async () => {
  webhooks?.close();
  await new Promise((resolve) => receiver.close(resolve));
  await opened.remove();
});

let ids = 0;
async function open(allowPrivate: boolean): Promise<Webhooks> {
  webhooks = await Webhooks.open({
    store: opened.store,
    deliver,
    allowPrivate,
    newId: () => `id${++ids}`,
    nowMs: () => 0,
    log: silent,
    firstWaitMs: 1,
  });
  return webhooks;
}

it('[O5] tries again what did not arrive, in order, and counts it once', async () => {
  const made = await open(true);
  await made.add({ url, topics: ['alert'], by: 'king' });
  statuses = [500, 503, 200, 200];
  made.tell('alert', { n: 1 });
  made.tell('alert', { n: 2 });
  made.tell('tool_executed', { n: 3 });
  await until('both are delivered', () => made.list()[0]?.delivered === 2);
  expect(paths).toHaveLength(4);
  expect(made.list()[0]).toMatchObject({ dropped: 0, problem: null });
});

it('[O5] follows no redirect, gives up after four attempts, and says why', async () => {
  const made = await open(true);
  await made.add({ url, topics: ['alert'], by: 'king' });
  statuses = [302, 302, 302, 302];
  made.tell('alert', {});
  await until('it is given up', () => made.list()[0]?.dropped === 1);
  expect(paths).toEqual(['/hook', '/hook', '/hook', '/hook']);
  expect(made.list()[0]?.problem).toBe('it answered HTTP 302');
});

it.each([
  'http://127.0.0.1:1/',
  'http://localhost/',
  'http://10.0.0.1/',
  'http://[::1]/',
  'http://0177.0.0.1/',
  'http://169.254.169.254/',
  'ftp://example.org/',
  'http://user:secret@example.org/',
])('[O5] takes no webhook to %s', async (to) => {
  const made = await open(false);
  await expect(made.add({ url: to, topics: ['alert'], by: 'king' })).rejects.toMatchObject({
    kind: 'SECURITY_VIOLATION',
  });
  expect(made.list()).toEqual([]);
});

it('[O5] checks the address again at each delivery: one that was allowed when it was added is not for ever', async () => {
  await (await open(true)).add({ url, topics: ['alert'], by: 'king' });
  webhooks?.close();
  const made = await open(false);
  made.tell('alert', {});
  await until('it is given up', () => made.list()[0]?.dropped === 1);
  expect(paths).toEqual([]);
});
