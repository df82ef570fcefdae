/** A server of several copies, whose far ends are the test: what it lists, and which copy takes what. */
import pino from 'pino';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Background } from '../../../../router/background.ts';
import type { Item } from '../../../../router/catalog/definitions.ts';
import { CoarseTimer } from '../../../../router/coarse-timer.ts';
import type { ServerOptions } from '../../../../router/upstreams/options.ts';
import { Restarts } from '../../../../router/upstreams/restarts.ts';
import { UpstreamServer } from '../../../../router/upstreams/server.ts';
import type { Transport, TransportEvents } from '../../../../router/upstreams/transport.ts';
import { encodeOctets, type Octets, parseOctets } from '../../../../shared/json/octets.ts';

interface Asked {
  readonly id?: number;
  readonly method?: string;
}

/** A server that lists these tools, while it lives. */
class Far {
  tools: string[];
  lives = true;
  starts = 0;
  private events: TransportEvents | undefined;

  constructor(...tools: string[]) {
    this.tools = tools;
  }

  readonly way = (): Transport => ({
    congested: false,
    start: async (events) => {
      if (!this.lives) throw new Error('it is down');
      this.starts++;
      this.events = events;
    },
    send: (message: Octets) => {
      const { id, method } = parseOctets(message) as Asked;
      if (id === undefined) return;
      const result =
        method === 'initialize'
          ? { protocolVersion: '2025-11-25', capabilities: { tools: {} }, serverInfo: { name: 'far', version: '1' } }
          : { tools: this.tools.map((name) => ({ name, inputSchema: { type: 'object' } })) };
      queueMicrotask(() => this.say({ jsonrpc: '2.0', id, result }));
    },
    close: async () => this.events?.onClose(undefined),
  });

  say(message: object): void {
    this.events?.onMessage(encodeOctets(JSON.stringify(message)), undefined);
  }

  list(...tools: string[]): void {
    this.tools = tools;
    this.say({ jsonrpc: '2.0', method: 'notifications/tools/list_changed' });
  }

  die(): void {
    this.lives = false;
    this.events?.onClose(new Error('it died'));
  }
}

beforeEach(
  () =>
    void vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'setTimeout', 'clearTimeout', 'performance'] }),
);
afterEach(() => vi.useRealTimers());

const onListChanged = vi.fn();
const onStateChanged = vi.fn();
let server: UpstreamServer;
afterEach(() => server.stop());

function serverOf(fars: readonly Far[], more: Partial<ServerOptions> = {}): UpstreamServer {
  server = new UpstreamServer({
    id: 'up',
    prefix: 'up__',
    isolation: 'shared',
    isBuiltIn: false,
    assertion: undefined,
    ownAssertion: () => '',
    timeoutMs: undefined,
    startTimeoutMs: undefined,
    healthCheckMs: 30_000,
    idleMs: undefined,
    isAwaited: () => false,
    maxConcurrent: undefined,
    profile: undefined,
    rateLimit: undefined,
    strategy: 'round-robin',
    copies: fars.map((far) => ({ priority: 1, ways: [far.way] })),
    timer: new CoarseTimer(),
    clientInfo: { name: 'us', version: '1' },
    background: new Background(),
    restarts: new Restarts(),
    listLimits: { maxItems: { name: 100, uri: 100, uriTemplate: 100 }, maxBytes: 1e6, maxPages: 10, timeoutMs: 1_000 },
    log: pino({ level: 'silent' }),
    events: {
      review: async () => {},
      onRequest: vi.fn(),
      onNotification: vi.fn(),
      onListChanged,
      onStateChanged,
      onConnected: vi.fn(),
    },
    stopped: () => undefined,
    ...more,
  });
  onListChanged.mockClear();
  onStateChanged.mockClear();
  return server;
}

const settle = () => vi.advanceTimersByTimeAsync(50);
const names = () => server.definitions.tools.map(({ own }) => own);
const item = (name: string): Item => server.definitions.tools.find(({ own }) => own === name)!;
async function takers(name: string, calls = 6): Promise<number[]> {
  const numbers: number[] = [];
  for (let n = 0; n < calls; n++) numbers.push((await server.copyFor(item(name))).number);
  return [...new Set(numbers)].sort();
}

describe('copies that list the same', () => {
  it('[R2] are one server, whose lists are told once', async () => {
    serverOf([new Far('a', 'b'), new Far('a', 'b'), new Far('a', 'b')]);
    await server.start();
    await settle();
    expect(server.state).toBe('ready');
    expect(onListChanged).toHaveBeenCalledTimes(1);
    expect(await takers('a')).toEqual([1, 2, 3]);
  });

  it('[R3] [R6] one that is gone is passed over and comes back; the server was ready all the while', async () => {
    const fars = [new Far('a'), new Far('a')];
    serverOf(fars);
    await server.start();
    await settle();
    fars[0]!.die();
    expect(server.state).toBe('ready');
    expect(server.problem).toBe('1 of 2 copies: it died');
    expect(await takers('a')).toEqual([2]);
    fars[0]!.lives = true;
    await vi.advanceTimersByTimeAsync(1_000);
    expect(await takers('a')).toEqual([1, 2]);
    expect(server.problem).toBeUndefined();
    expect(onStateChanged.mock.calls.map(([each]) => each.state)).toHaveLength(2);
  });

  it('[R3] a call waits for the copy that is back first, and is told when none will be soon', async () => {
    const fars = [new Far('a'), new Far('a')];
    serverOf(fars);
    await server.start();
    await settle();
    for (const far of fars) far.die();
    fars[1]!.lives = true;
    const found = server.copyFor(item('a'));
    await vi.advanceTimersByTimeAsync(200);
    expect((await found).number).toBe(2);
    for (const far of fars) far.die();
    await vi.advanceTimersByTimeAsync(30_000);
    const refused = server.copyFor(item('a'));
    await expect(refused).rejects.toMatchObject({
      kind: 'UPSTREAM_UNAVAILABLE',
      data: { retryAfterMs: expect.any(Number) },
    });
    expect(names()).toEqual(['a']);
  });
});

describe('copies that list otherwise', () => {
  it('[R2] the newest word counts; a copy takes calls of what it has with the same definition', async () => {
    const fars = [new Far('a'), new Far('a')];
    serverOf(fars);
    await server.start();
    await settle();
    fars[1]!.list('a', 'b');
    await settle();
    expect(names()).toEqual(['a', 'b']);
    expect(await takers('b')).toEqual([2]);
    expect(await takers('a')).toEqual([1, 2]);
    fars[0]!.list('a', 'b');
    await settle();
    expect(await takers('b')).toEqual([1, 2]);
  });

  it('[R2] when nobody is left who has what is shown, those who are left are shown', async () => {
    const fars = [new Far('a'), new Far('a')];
    serverOf(fars);
    await server.start();
    await settle();
    fars[1]!.list('b');
    await settle();
    expect(names()).toEqual(['b']);
    fars[1]!.die();
    await settle();
    expect(names()).toEqual(['a']);
    expect(await takers('a')).toEqual([1]);
  });
});

describe('a server that nobody uses', () => {
  it('[R5] is let go after its time, stays listed, and is started by the next call', async () => {
    const far = new Far('a');
    serverOf([far], { idleMs: 10_000 });
    await server.start();
    await vi.advanceTimersByTimeAsync(9_000);
    await server.copyFor(item('a'));
    await vi.advanceTimersByTimeAsync(9_000);
    expect(server.state).toBe('ready');
    await vi.advanceTimersByTimeAsync(4_000);
    expect(server.state).toBe('idle');
    expect(server.problem).toBeUndefined();
    expect(names()).toEqual(['a']);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(far.starts).toBe(1);
    expect((await server.copyFor(item('a'))).number).toBe(1);
    expect(far.starts).toBe(2);
  });

  it('[R5] is kept while somebody waits for its word', async () => {
    const far = new Far('a');
    serverOf([far], { idleMs: 10_000, isAwaited: () => true });
    await server.start();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(server.state).toBe('ready');
  });
});
