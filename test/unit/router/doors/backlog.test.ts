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
  backlog.wrote(client);
}

it('[S3] D09: cuts off who has not read for longest when too much waits for all together', () => {
  const backlog = new Backlog();
  const clients = Array.from({ length: 12 }, () => new Client());
  for (const client of clients) write(backlog, client, MIB);
  expect(clients.map(({ isCut }) => isCut)).toEqual([...Array(4).fill(true), ...Array(8).fill(false)]);
});

it('[S3] D09: what was read meanwhile does not count, nor a client that is gone', () => {
  const backlog = new Backlog();
  const [reader, deaf, gone, late] = [new Client(), new Client(), new Client(), new Client()];
  write(backlog, reader, 3 * MIB);
  reader.writableLength = 0;
  write(backlog, gone, 3 * MIB);
  backlog.forget(gone);
  write(backlog, deaf, 3 * MIB);
  write(backlog, late, 4 * MIB);
  expect([reader, deaf, late].map(({ isCut }) => isCut)).toEqual([false, false, false]);
  write(backlog, late, 2 * MIB);
  expect([reader, deaf, late].map(({ isCut }) => isCut)).toEqual([false, true, false]);
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
