import { once } from 'node:events';
import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, expect, it } from 'vitest';
import { Backlog } from '../../../../router/doors/backlog.ts';
import { SseOutlet } from '../../../../router/doors/http-sse.ts';
import { encodeOctets } from '../../../../shared/json/octets.ts';

const server = http.createServer();
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

/** A response whose client reads nothing, with bytes that no socket takes any more. */
async function stuck(): Promise<ServerResponse> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  http.get({ port: (server.address() as AddressInfo).port }, (response) => response.pause());
  const [, response] = (await once(server, 'request')) as [IncomingMessage, ServerResponse];
  response.writeHead(200, { 'Content-Type': 'text/event-stream' });
  // The system's buffers grow as they fill: full is what stays full.
  for (let same = 0, last = 0; same < 20; ) {
    if (response.writableLength < 1_000_000) response.write('.'.repeat(500_000));
    await wait(10);
    same = response.writableLength === last && last > 500_000 ? same + 1 : 0;
    last = response.writableLength;
  }
  return response;
}

it('[S3] D09: an answer that comes after the end of a stream which nobody reads goes nowhere, and harms nothing', async () => {
  const response = await stuck();
  const errors: unknown[] = [];
  response.on('error', (error) => errors.push(error));
  const outlet = new SseOutlet(response, 'jti', new Backlog(() => performance.now()));
  expect(outlet.open).toBe(true);
  outlet.close();
  expect(response.writableFinished).toBe(false);
  outlet.send(encodeOctets('{"jsonrpc":"2.0","id":1,"result":{}}'));
  outlet.keepAlive();
  await wait(0);
  expect(errors).toEqual([]);
  expect(outlet.open).toBe(false);
});
