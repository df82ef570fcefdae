import { once } from 'node:events';
import http, { type IncomingMessage } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { Backlog } from '../../../../router/doors/backlog.ts';
import { WebSocketConnection } from '../../../../router/doors/websocket-connection.ts';
import { Undelivered } from '../../../../router/upstreams/undelivered.ts';
import { encodeOctets } from '../../../../shared/json/octets.ts';

const HEARTBEAT_MS = 30_000;
const IDLE_MS = 86_400_000;
const ends: (() => void)[] = [];
afterEach(() => {
  for (const end of ends.splice(0)) end();
});

interface Pair {
  readonly client: WebSocket;
  readonly connection: WebSocketConnection;
  readonly server: WebSocket;
}

/** Both ends of a real WebSocket. */
async function pair(options: { isBusy?: () => boolean; autoPong?: boolean } = {}): Promise<Pair> {
  const listener = http.createServer().listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const upgrades = new WebSocketServer({ noServer: true, perMessageDeflate: false });
  const accepted = once(listener, 'upgrade') as Promise<[IncomingMessage, Socket, Buffer]>;
  const url = `ws://127.0.0.1:${(listener.address() as AddressInfo).port}`;
  const client = new WebSocket(url, { autoPong: options.autoPong ?? true });
  client.on('error', () => {});
  const [request, socket, head] = await accepted;
  const opened = once(client, 'open');
  const server = await new Promise<WebSocket>((resolve) => upgrades.handleUpgrade(request, socket, head, resolve));
  server.on('error', () => {});
  await opened;
  ends.push(() => {
    client.terminate();
    server.terminate();
    listener.close();
  });
  const isBusy = options.isBusy ?? (() => false);
  const limits = {
    backlog: new Backlog(() => performance.now()),
    tokenId: 'jti',
    heartbeatMs: HEARTBEAT_MS,
    idleMs: IDLE_MS,
    isBusy,
  };
  return { client, server, connection: new WebSocketConnection(server, socket, limits) };
}

/** Messages as the client gets them, once there are so many. */
async function received(client: WebSocket, count: number): Promise<string[]> {
  const texts: string[] = [];
  client.on('message', (data) => texts.push(String(data)));
  while (texts.length < count) await once(client, 'message');
  return texts;
}

it('[P8] pings after each heartbeat interval, and ends what shows no sign of life for ten seconds', async () => {
  const { client, server, connection } = await pair({ autoPong: false });
  const start = performance.now();
  connection.check(start + HEARTBEAT_MS - 1_000);
  const pinged = once(client, 'ping');
  connection.check(start + HEARTBEAT_MS + 1_000);
  await pinged;
  connection.check(start + HEARTBEAT_MS + 10_500);
  expect(server.readyState).toBe(WebSocket.OPEN);
  const closed = once(client, 'close');
  connection.check(start + HEARTBEAT_MS + 11_500);
  await closed;
  expect(connection.open).toBe(false);
});

it('[P8] a pong, or anything else that comes, is a sign of life', async () => {
  const { client, server, connection } = await pair();
  const start = performance.now();
  const ponged = once(server, 'pong');
  connection.check(start + HEARTBEAT_MS + 1_000);
  await ponged;
  connection.check(start + HEARTBEAT_MS + 11_500);
  expect(connection.open).toBe(true);
  const pinged = once(client, 'ping');
  connection.check(start + 2 * HEARTBEAT_MS + 11_500);
  await pinged;
  await once(server, 'pong');
  connection.check(start + 2 * HEARTBEAT_MS + 22_000);
  expect(connection.open).toBe(true);
});

it('[P8] ends what is idle for as long as it may be, but nothing that is busy', async () => {
  let isBusy = true;
  const { client, connection } = await pair({ isBusy: () => isBusy });
  const now = performance.now() + IDLE_MS + 1_000;
  connection.check(now);
  expect(connection.open).toBe(true);
  isBusy = false;
  const closed = once(client, 'close') as Promise<[number, Buffer]>;
  connection.check(now);
  expect(await closed).toEqual([1001, Buffer.from('idle')]);
});

it('[P8] [P5] messages of every size arrive whole and in their order, and what was held for a large one is released', async () => {
  const { client, connection } = await pair();
  const flow = { paused: 0, pause: () => flow.paused++, resume: () => flow.paused-- };
  const undelivered = new Undelivered(flow);
  const large = (text: string) => {
    const octets = encodeOctets(`"${text.repeat(3_000_000)}"`);
    connection.write(octets, undelivered.hold(octets.length));
  };
  const got = received(client, 5);
  large('é');
  connection.write(encodeOctets('"between"'));
  large('b');
  connection.write(encodeOctets(`"${'c'.repeat(600_000)}"`));
  connection.write(encodeOctets('"last"'));
  expect(flow.paused).toBe(1);
  const texts = await got;
  expect(texts.map((text) => `${text[1]} ${text.length}`)).toEqual([
    'é 3000002',
    'b 9',
    'b 3000002',
    'c 600002',
    'l 6',
  ]);
  expect(flow.paused).toBe(0);
});

it('[P8] D09: cuts off a client with two megabytes of small messages waiting, and lets go of what it held', async () => {
  const { client, server, connection } = await pair();
  client.pause();
  const flow = { paused: 0, pause: () => flow.paused++, resume: () => flow.paused-- };
  const large = encodeOctets(`"${'x'.repeat(40_000_000)}"`);
  connection.write(large, new Undelivered(flow).hold(large.length));
  expect(flow.paused).toBe(1);
  const closed = once(server, 'close');
  for (let i = 0; i < 30; i++) connection.write(encodeOctets(`"${'y'.repeat(100_000)}"`));
  await closed;
  expect(flow.paused).toBe(0);
  connection.write(encodeOctets('"into nothing"'));
  connection.send(encodeOctets('"into nothing"'));
});

it('[P8] cuts off a client that takes nothing of a large message, sooner while others wait for it', async () => {
  for (const [isHeldBack, afterMs] of [
    [true, 4_000],
    [false, 16_000],
  ] as const) {
    const { client, server, connection } = await pair();
    client.pause();
    const large = encodeOctets(`"${'x'.repeat(40_000_000)}"`);
    const heldBackSince = isHeldBack ? performance.now() : undefined;
    connection.write(large, { heldBackSince, release: () => {} });
    // The system takes what its buffers hold; then nothing moves any more.
    for (let last = -1; server.bufferedAmount !== last; await new Promise((resolve) => setTimeout(resolve, 100))) {
      last = server.bufferedAmount;
    }
    const now = performance.now();
    connection.check(now + afterMs - 2_000);
    expect(server.readyState).toBe(WebSocket.OPEN);
    connection.check(now + afterMs);
    expect(server.readyState).not.toBe(WebSocket.OPEN);
  }
});

it('[P8] [A2] once cut, it takes only what ends its calls, and is closed when they have ended', async () => {
  let isBusy = true;
  const { client, connection } = await pair({ isBusy: () => isBusy });
  const got = received(client, 1);
  connection.cut('another');
  expect(connection.open).toBe(true);
  connection.cut('jti');
  connection.send(encodeOctets('"a notification"'));
  connection.write(encodeOctets('"an ending"'));
  connection.check(performance.now());
  expect(await got).toEqual(['"an ending"']);
  isBusy = false;
  const closed = once(client, 'close') as Promise<[number, Buffer]>;
  connection.check(performance.now());
  expect((await closed)[0]).toBe(1008);
});
