/** The ways to reach one server of ours: in memory, as a process over stdio, over Streamable HTTP, over HTTP+SSE. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { InMemoryTransport } from '@modelcontextprotocol/sdk/inMemory.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import { type JSONRPCMessage, JSONRPCMessageSchema } from '@modelcontextprotocol/sdk/types.js';
import { SERVERS } from '../../servers/index.ts';
import { callerByBearer } from '../../shared/identity/proof.ts';
import type { Log } from '../../shared/log.ts';
import { type Serving, serve } from '../../shared/serve.ts';
import { openSession, type VillageServer } from '../../shared/village-server.ts';
import { readVotingRules } from '../../shared/voting-rules.ts';
import { testAuthorize, testIdentity } from '../fixtures/lib/identity.ts';

export const WAYS = ['memory', 'stdio', 'streamable-http', 'http-sse'] as const;
export type Way = (typeof WAYS)[number];

export interface Reached {
  /** A transport that nobody has started yet; the caller behind it is `caller`. */
  transport(caller?: string): Promise<Transport>;
  close(): Promise<void>;
}

export const silent: Log = { debug() {}, info() {}, warn() {}, error() {} };

const RULES = readVotingRules(undefined);

async function make(id: string, dataDir: string): Promise<VillageServer> {
  const load = SERVERS.get(id);
  if (load === undefined) throw new Error(`no server ${id}`);
  return (await load())({ log: silent, dataDir, votingRules: () => RULES, router: undefined });
}

/** The server on a data folder of its own, which goes with it. */
export async function reach(id: string, way: Way): Promise<Reached> {
  const dataDir = fs.mkdtempSync(path.join(os.tmpdir(), 'contract-'));
  const reached = await reachOn(dataDir, id, way);
  return {
    ...reached,
    async close() {
      await reached.close();
      fs.rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

async function reachOn(dataDir: string, id: string, way: Way): Promise<Reached> {
  if (way === 'memory') return inMemory(await make(id, dataDir));
  if (way === 'stdio') return overStdio(id, dataDir);
  const serving = await serve({
    id,
    createServer: () => make(id, dataDir),
    io: { kind: 'http', port: 0 },
    identity: testIdentity,
    authorize: testAuthorize,
    isBehindRouter: false,
    log: silent,
  });
  return overHttp(serving, way);
}

function inMemory(village: VillageServer): Reached {
  return {
    async transport(caller = 'king') {
      const [near, far] = InMemoryTransport.createLinkedPair();
      const callerOf = callerByBearer(testIdentity);
      const server = openSession(village, {
        callerOf: () => callerOf({ assertion: undefined, bearer: `token-${caller}` }),
        authorize: testAuthorize,
        listsAreFiltered: true,
        log: silent,
      });
      await server.connect(far);
      return near;
    },
    close: () => village.close(),
  };
}

function overStdio(id: string, dataDir: string): Reached {
  const launcher = new URL('../fixtures/serve-one.ts', import.meta.url).pathname;
  return {
    async transport(caller = 'king') {
      return new StdioClientTransport({
        command: process.execPath,
        args: [launcher, id, '--token', `token-${caller}`, '--data-dir', dataDir],
        stderr: 'ignore',
      });
    },
    async close() {},
  };
}

function overHttp(serving: Serving, way: 'streamable-http' | 'http-sse'): Reached {
  return {
    async transport(caller = 'king') {
      const requestInit = { headers: { authorization: `Bearer token-${caller}` } };
      const url = new URL(serving.url ?? '');
      return way === 'streamable-http'
        ? new StreamableHTTPClientTransport(url, { requestInit })
        : new SSEClientTransport(new URL('/sse', url), { requestInit });
    },
    close: () => serving.close(),
  };
}

/** The SDK's own client, connected. */
export async function connect(reached: Reached, caller?: string): Promise<Client> {
  const client = new Client({ name: 'contract', version: '1.0.0' });
  await client.connect(await reached.transport(caller));
  return client;
}

/** Sends one message as it is and waits for the answer with its id: for what the SDK's client would not send. */
export async function exchange(transport: Transport, message: JSONRPCMessage): Promise<JSONRPCMessage> {
  const sent = JSONRPCMessageSchema.parse(message);
  const { promise, resolve } = Promise.withResolvers<JSONRPCMessage>();
  transport.onmessage = (came) => {
    if ('id' in came && 'id' in sent && came.id === sent.id) resolve(came);
  };
  await transport.send(sent);
  return promise;
}
