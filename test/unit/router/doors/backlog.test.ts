import { expect, it } from 'vitest';
import { Backlog } from '../../../../router/doors/backlog.ts';
import { KeptEvents } from '../../../../router/doors/kept-events.ts';

const MIB = 2 ** 20;

class Client {
  writableLength = 0;
  isCut = false;
  destroy(): void {
    this.isCut = true;
    this.writableLength = 0;
  }
}

function write(backlog: Backlog, client: Client, bytes: number): void {
  client.writableLength += bytes;
  backlog.wrote(client, bytes);
}

it('[S3] D09: cuts off who has not read for longest when too much waits for all together', () => {
  let now = 0;
  const backlog = new Backlog(() => now);
  const clients = Array.from({ length: 12 }, () => new Client());
  for (const client of clients) {
    now += 2_000;
    write(backlog, client, MIB);
  }
  expect(clients.map(({ isCut }) => isCut)).toEqual([...Array(4).fill(true), ...Array(8).fill(false)]);
});

it('[S3] D09: what was read meanwhile does not count, nor a client that is gone', () => {
  let now = 0;
  const backlog = new Backlog(() => now);
  const [reader, deaf, gone, late] = [new Client(), new Client(), new Client(), new Client()];
  write(backlog, reader, 3 * MIB);
  reader.writableLength = 0;
  write(backlog, gone, 3 * MIB);
  backlog.forget(gone);
  write(backlog, deaf, 3 * MIB);
  now = 10_000;
  write(backlog, late, 4 * MIB);
  expect([reader, deaf, late].map(({ isCut }) => isCut)).toEqual([false, false, false]);
  write(backlog, late, 2 * MIB);
  expect([reader, deaf, late].map(({ isCut }) => isCut)).toEqual([false, true, false]);
});

it('[P5] [S3] D09: nobody is cut off at once for a single message, as large as it may be', () => {
  let now = 0;
  const backlog = new Backlog(() => now);
  const [slow, quick] = [new Client(), new Client()];
  write(backlog, slow, 10 * MIB);
  now = 9_999;
  write(backlog, quick, 1);
  expect([slow.isCut, quick.isCut]).toEqual([false, false]);
  now = 10_000;
  write(backlog, quick, 1);
  expect([slow.isCut, quick.isCut]).toEqual([true, false]);
});

it('[S3] D09: whoever gets more on top of what it has not taken has no time to lose', () => {
  const backlog = new Backlog(() => 0);
  const [deaf, reader] = [new Client(), new Client()];
  write(backlog, deaf, MIB);
  write(backlog, reader, 10 * MIB);
  write(backlog, deaf, 6 * MIB);
  expect([deaf.isCut, reader.isCut]).toEqual([true, false]);
});

it('[P7] D09: streams keep the less for those who come back the more there are of them', () => {
  const kept = new KeptEvents();
  expect(kept.maxOfStream).toBe(MIB);
  kept.change(7 * MIB);
  expect(kept.maxOfStream).toBe(MIB / 4);
  kept.change(2 * MIB);
  expect(kept.maxOfStream).toBe(16 * 1024);
  kept.change(-9 * MIB);
  expect(kept.maxOfStream).toBe(MIB);
});
