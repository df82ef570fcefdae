/**
 * A client of the router for servers of ours: calls, reads, and subscriptions that outlive a lost connection. It never sends a
 * call twice: what may have left is told as lost.
 */
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { type CallToolResult, ResourceUpdatedNotificationSchema } from '@modelcontextprotocol/sdk/types.js';
import { AppError } from '../errors.ts';
import type { Log } from '../log.ts';
import { errorOfResult } from './answers.ts';
import { BackOff } from './back-off.ts';
import { failureOf } from './failure.ts';
import type { RouterLink } from './router-link.ts';

export interface RouterClient {
  /**
   * The structured result of one call of a tool.
   * @throws AppError as the router gave it; CONNECTION_FAILED when the call did not leave; CONNECTION_LOST when nobody can tell
   */
  call(tool: string, args: Readonly<Record<string, unknown>>, timeoutMs?: number): Promise<unknown>;
  /** The JSON of a resource with one text. Throws as `call`. */
  read(uri: string): Promise<unknown>;
  /** Calls `onUpdate` whenever the resource changed, and after each new connection, when it may have. @returns how to stop */
  subscribe(uri: string, onUpdate: () => void): () => void;
  close(): Promise<void>;
}

export interface RouterClientOptions extends RouterLink {
  /** Of this client, for the router's log. */
  readonly name: string;
  readonly log: Log;
}

const FIRST_WAIT_MS = 100;
const LONGEST_WAIT_MS = 5_000;
/** So often a connection with subscriptions is tried: a stream that is silent says nothing of its life. */
const PING_EVERY_MS = 10_000;
const DEFAULT_TIMEOUT_MS = 60_000;
const UNREACHABLE = 'The router cannot be reached';
const RECONNECT = {
  initialReconnectionDelay: FIRST_WAIT_MS,
  maxReconnectionDelay: LONGEST_WAIT_MS,
  reconnectionDelayGrowFactor: 2,
  maxRetries: 3,
};

export function createRouterClient(options: RouterClientOptions): RouterClient {
  const { url, name, log } = options;
  const watched = new Map<string, Set<() => void>>();
  let connection: Promise<Client> | undefined;
  let retry: NodeJS.Timeout | undefined;
  const backOff = new BackOff({ firstMs: FIRST_WAIT_MS, longestMs: LONGEST_WAIT_MS });
  let isClosed = false;

  const authorized: typeof fetch = (input, init) => {
    const headers = new Headers(init?.headers);
    headers.set('authorization', `Bearer ${options.token()}`);
    return fetch(input, { ...init, headers });
  };

  async function open(): Promise<Client> {
    const client = new Client({ name, version: '1' });
    const transport = new StreamableHTTPClientTransport(new URL(url), {
      fetch: authorized,
      reconnectionOptions: RECONNECT,
    });
    client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) => tell(params.uri));
    client.onerror = (cause) => log.debug({ cause }, 'the connection to the router reports a fault');

    await client.connect(transport);
    return client;
  }

  function connect(): Promise<Client> {
    if (isClosed) return Promise.reject(new AppError('CONNECTION_FAILED', { text: 'The client was closed' }));
    if (connection === undefined) {
      const opening = open();
      connection = opening;
      opening.catch(() => drop(opening));
    }
    return connection;
  }

  /** Forgets a connection that does not work; the next use makes another. */
  function drop(lost: Promise<Client>): void {
    if (connection !== lost) return;
    connection = undefined;
    lost.then(
      (client) => client.close(),
      () => undefined,
    );
    if (watched.size > 0) watchSoon();
  }

  function tell(uri: string): void {
    for (const onUpdate of watched.get(uri) ?? []) onUpdate();
  }

  /** Sends a request. One that the router refused because it does not know the session never ran, and is sent once more. */
  async function request<T>(send: (client: Client) => Promise<T>, isSecond = false): Promise<T> {
    const used = connect();
    let client: Client;
    try {
      client = await used;
    } catch (cause) {
      throw new AppError('CONNECTION_FAILED', { text: UNREACHABLE, cause });
    }
    try {
      return await send(client);
    } catch (error) {
      const failure = failureOf(error);
      if (failure.fate === 'answered' || failure.fate === 'timeout') throw failure.error;
      drop(used);
      if (failure.way === 'session' && !isSecond) return request(send, true);
      if (failure.fate === 'not_run') throw new AppError('CONNECTION_FAILED', { text: UNREACHABLE, cause: error });
      throw failure.error;
    }
  }

  function watchSoon(): void {
    if (isClosed || retry !== undefined) return;
    retry = setTimeout(() => {
      retry = undefined;
      void watchAll();
    }, backOff.next()).unref();
  }

  async function watchAll(): Promise<void> {
    try {
      for (const uri of watched.keys()) await request((client) => client.subscribeResource({ uri }));
      backOff.reset();
      for (const uri of watched.keys()) tell(uri);
    } catch (cause) {
      log.warn({ cause }, 'subscriptions at the router could not be made; they are tried again');
      watchSoon();
    }
  }

  const ping = setInterval(() => {
    if (watched.size > 0 && connection !== undefined) request((client) => client.ping()).catch(() => undefined);
  }, PING_EVERY_MS).unref();

  return {
    async call(tool, args, timeoutMs = DEFAULT_TIMEOUT_MS) {
      const result = await request(
        (client) =>
          client.callTool({ name: tool, arguments: args }, undefined, {
            timeout: timeoutMs,
          }) as Promise<CallToolResult>,
      );
      if (result.isError === true) throw errorOfResult(result);
      return result.structuredContent;
    },
    async read(uri) {
      const { contents } = await request((client) => client.readResource({ uri }));
      const [first] = contents;
      if (first === undefined || !('text' in first)) throw new AppError('UPSTREAM_INVALID');
      return JSON.parse(first.text) as unknown;
    },
    subscribe(uri, onUpdate) {
      const listeners = watched.get(uri) ?? new Set();
      watched.set(uri, listeners.add(onUpdate));
      watchSoon();
      return () => {
        listeners.delete(onUpdate);
        if (listeners.size > 0 || !watched.delete(uri)) return;
        request((client) => client.unsubscribeResource({ uri })).catch(() => undefined);
      };
    },
    async close() {
      isClosed = true;
      clearInterval(ping);
      clearTimeout(retry);
      const open = await connection?.catch(() => undefined);
      await open?.close();
    },
  };
}
