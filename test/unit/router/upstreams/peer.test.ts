import { afterEach, beforeEach, expect, it, type Mock, vi } from 'vitest';
import { CoarseTimer } from '../../../../router/coarse-timer.ts';
import { Peer, type PeerEvents } from '../../../../router/upstreams/peer.ts';
import type { Transport, TransportEvents } from '../../../../router/upstreams/transport.ts';
import { AppError } from '../../../../shared/errors.ts';
import { encodeOctets, type Octets, parseOctets } from '../../../../shared/json/octets.ts';

interface Sent {
  readonly id?: number;
  readonly method?: string;
  readonly params?: Record<string, unknown>;
}

/** The far end is the test. */
class Wire implements Transport {
  readonly sent: Sent[] = [];
  congested = false;
  events!: TransportEvents;
  onSend: (message: Sent) => void = () => {};
  async start(events: TransportEvents): Promise<void> {
    this.events = events;
  }
  send(message: Octets): void {
    const parsed = parseOctets(message) as Sent;
    this.sent.push(parsed);
    this.onSend(parsed);
  }
  say(text: string): void {
    this.events.onMessage(encodeOctets(text), undefined);
  }
  async close(): Promise<void> {
    this.events.onClose(undefined);
  }
}

const INITIALIZED = { protocolVersion: '2025-06-18', capabilities: {}, serverInfo: { name: 'far', version: '1' } };
const LIMITS = { timeoutMs: 1_000, maxMs: 3_000 };
let timer: CoarseTimer;
let wire: Wire;
let events: { [name in keyof PeerEvents]: Mock<PeerEvents[name]> };

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] });
  timer = new CoarseTimer();
  wire = new Wire();
  events = { onRequest: vi.fn(), onNotification: vi.fn(), onClose: vi.fn() };
});
afterEach(() => vi.useRealTimers());

function peerOn(answer: unknown = INITIALIZED): Peer {
  wire.onSend = ({ id, method }) => {
    if (method === 'initialize') queueMicrotask(() => wire.say(JSON.stringify({ jsonrpc: '2.0', id, result: answer })));
  };
  return new Peer(wire, { timer, events, clientInfo: { name: 'us', version: '1' }, onBadMessage: () => {} });
}

async function connected(): Promise<Peer> {
  const peer = peerOn();
  await peer.connect();
  return peer;
}

function reasonOf(error: unknown): string {
  return error instanceof AppError ? error.kind : String(error);
}

it('[P2] shakes hands and takes the version that the server chooses', async () => {
  const peer = await connected();
  expect(peer.initialized.protocolVersion).toBe('2025-06-18');
  expect(wire.sent.map(({ method }) => method)).toEqual(['initialize', 'notifications/initialized']);
});

it.each([
  [{ ...INITIALIZED, protocolVersion: '1999-01-01' }, 'INVALID_VERSION'],
  [{ protocolVersion: '2025-06-18' }, 'CONNECTION_FAILED'],
  ['nonsense', 'CONNECTION_FAILED'],
])('[P2] refuses a handshake answered with %j', async (answer, kind) => {
  expect(await peerOn(answer).connect().catch(reasonOf)).toBe(kind);
});

it('[P3] gives each answer to the request with its id, whatever the order', async () => {
  const peer = await connected();
  const first = peer.request('a', undefined, LIMITS);
  const second = peer.request('b', undefined, LIMITS);
  const [a, b] = wire.sent.slice(-2);
  wire.say(`{"jsonrpc":"2.0","id":${b?.id},"result":{"of":"b"}}`);
  wire.say(`{"jsonrpc":"2.0","id":${a?.id},"error":{"code":7,"message":"of a"}}`);
  expect(await first).toEqual({ ok: false, octets: '{"code":7,"message":"of a"}' });
  expect(await second).toEqual({ ok: true, octets: '{"of":"b"}' });
  expect(peer.inFlight).toBe(0);
});

it('[R8] ends a request at its time-out and tells the server by its own id; a late answer is dropped', async () => {
  const peer = await connected();
  const answer = peer.request('slow', undefined, LIMITS).catch(reasonOf);
  const { id } = wire.sent.at(-1)!;
  vi.advanceTimersByTime(1_100);
  expect(await answer).toBe('TIMEOUT');
  expect(wire.sent.at(-1)).toMatchObject({ method: 'notifications/cancelled', params: { requestId: id } });
  wire.say(`{"jsonrpc":"2.0","id":${id},"result":{}}`);
  expect(peer.inFlight).toBe(0);
});

it('[R8] lets progress extend the time-out, but not the hard maximum', async () => {
  const peer = await connected();
  const progress = vi.fn();
  const answer = peer.request('slow', undefined, { ...LIMITS, progress }).catch(reasonOf);
  const { id } = wire.sent.at(-1)!;
  for (let i = 1; i <= 5; i++) {
    vi.advanceTimersByTime(500);
    wire.say(`{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":${id},"progress":${i}}}`);
  }
  expect(peer.inFlight).toBe(1);
  vi.advanceTimersByTime(600);
  expect(await answer).toBe('TIMEOUT');
  expect(progress).toHaveBeenCalledTimes(5);
});

it('[R6] tells every request in flight when the connection is lost, and its owner once', async () => {
  const peer = await connected();
  const answers = [peer.request('a', undefined, LIMITS), peer.request('b', undefined, LIMITS)].map((each) =>
    each.catch(reasonOf),
  );
  wire.events.onClose(new Error('gone'));
  wire.events.onClose(undefined);
  expect(await Promise.all(answers)).toEqual(['CONNECTION_LOST', 'CONNECTION_LOST']);
  expect(events.onClose).toHaveBeenCalledTimes(1);
  expect(await peer.request('c', undefined, LIMITS).catch(reasonOf)).toBe('UPSTREAM_UNAVAILABLE');
});

it('[P3] answers ping itself, and skips and counts what is no message', async () => {
  const peer = await connected();
  wire.say('{"jsonrpc":"2.0","id":"p","method":"ping"}');
  expect(wire.sent.at(-1)).toEqual({ jsonrpc: '2.0', id: 'p', result: {} });
  for (const text of ['hello', '{}', '{"jsonrpc":"2.0","id":99,"result":{}}', '[]', '{"jsonrpc":"2.0","id":1}'])
    wire.say(text);
  expect(peer.badMessages).toBe(4);
});

it('[R6] does not send to a server that does not take in what it is sent', async () => {
  const peer = await connected();
  wire.congested = true;
  const before = wire.sent.length;
  expect(await peer.request('a', undefined, LIMITS).catch(reasonOf)).toBe('UPSTREAM_UNAVAILABLE');
  expect(wire.sent.length).toBe(before);
});
