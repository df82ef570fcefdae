import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect, it, onTestFinished, vi } from 'vitest';
import { EmergencyStop } from '../../../../router/stop/emergency-stop.ts';
import { openStopStore } from '../../../../router/stop/stop-store.ts';
import type { Stop } from '../../../../router/stop/stops.ts';

const silent = { error() {}, warn() {} };
const STOP: Stop = { scope: 'all', reason: 'test', by: 'king', at: 1_000 };

function tempFolder(): string {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'stop-unit-'));
  onTestFinished(() => fs.rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A process on the folder that enforces; `heard` is what it was told. */
async function open(folder: string) {
  const stop = new EmergencyStop(await openStopStore(folder), silent);
  const heard: (readonly Stop[])[] = [];
  stop.onChange((stops) => heard.push(stops));
  stop.watch();
  onTestFinished(() => stop.close());
  return { stop, heard };
}

it('[E2] an order holds in every process on the folder when it is acknowledged, and so does its end', async () => {
  const folder = tempFolder();
  const [one, two] = [await open(folder), await open(folder)];
  expect(one.stop.isClear).toBe(true);
  expect(await one.stop.stop(STOP)).toEqual({ stops: [STOP], behind: 0, isKept: true });
  expect(two.stop.stops).toEqual([STOP]);
  expect(two.heard).toEqual([[STOP]]);
  expect(await two.stop.resume(undefined)).toEqual({ stops: [], behind: 0, isKept: true });
  expect(one.stop.isClear).toBe(true);
});

it('[E3] who opens the folder later finds what is stopped; of two stops one may end alone', async () => {
  const folder = tempFolder();
  const first = await open(folder);
  await first.stop.stop(STOP);
  await first.stop.stop({ ...STOP, scope: 'agent:alice' });
  const later = await open(folder);
  expect(later.stop.stops.map(({ scope }) => scope).sort()).toEqual(['agent:alice', 'all']);
  await later.stop.resume('all');
  expect(later.stop.stops.map(({ scope }) => scope)).toEqual(['agent:alice']);
  expect(later.stop.covering({ serverId: 's', isRouter: false, tool: 't', agentId: 'bob' })).toBeUndefined();
});

it('[E1] [E3] an order that cannot be written holds in this process nevertheless, and says so', async () => {
  const folder = tempFolder();
  const { stop, heard } = await open(folder);
  fs.mkdirSync(path.join(folder, 'orders', String(process.pid)));
  expect(await stop.stop(STOP)).toEqual({ stops: [STOP], behind: 0, isKept: false });
  expect(heard).toEqual([[STOP]]);
  expect(stop.isClear).toBe(false);
  fs.rmdirSync(path.join(folder, 'orders', String(process.pid)));
  await stop.resume('all');
  expect(stop.isClear).toBe(true);
});

it.each([
  ['no JSON', '{'],
  ['another shape', '{"stops":[{"scope":"all"}]}'],
  ['nothing', ''],
])('[E3] a file that holds %s stops everything', async (_, text) => {
  const folder = tempFolder();
  const { stop } = await open(folder);
  fs.writeFileSync(path.join(folder, 'emergency-stop.json'), text);
  await vi.waitFor(() => expect(stop.isClear).toBe(false), { timeout: 5_000 });
  expect(stop.stops).toMatchObject([{ scope: 'all', by: 'router' }]);
});

it('[E3] a file that is taken away does not let go: the row holds', async () => {
  const folder = tempFolder();
  const { stop } = await open(folder);
  await stop.stop(STOP);
  fs.rmSync(path.join(folder, 'emergency-stop.json'));
  const later = await open(folder);
  expect(later.stop.stops).toEqual([STOP]);
});
