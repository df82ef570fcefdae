/** A whole village for the demonstration: the router as `npm start` runs it, on a data folder that goes with it. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js';
import { endProcess, within } from './within.ts';

const LAUNCHER = fileURLToPath(new URL('../router/bin/aivillage.mjs', import.meta.url));
const CONFIG = fileURLToPath(new URL('../mcp-servers.json', import.meta.url));
const run = promisify(execFile);
const COMMAND_MS = 60_000;

export interface DemoVillage {
  /** Of its console, such as `http://127.0.0.1:40123/`. */
  readonly url: string;
  /** An MCP client of the router, as this agent. */
  connect(agent: string): Promise<Client>;
  /** Runs `aivillage …` on the village's folder. @returns what it wrote to stdout */
  command(...args: string[]): Promise<string>;
  /** How to start `aivillage …` as a process of its own, on a data folder that goes with the village. */
  start(...args: string[]): { program: string; args: string[]; env: Record<string, string | undefined> };
  close(): Promise<void>;
}

export async function startVillage(): Promise<DemoVillage> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'aivillage-demo-'));
  const env = {
    PATH: process.env.PATH,
    HOME: folder,
    AIVILLAGE_DATA_DIR: path.join(folder, 'data'),
    AIVILLAGE_CHECKPOINT_DIR: path.join(folder, 'checkpoints'),
    AIVILLAGE_CONFIG: CONFIG,
    MCP_LOG_LEVEL: 'error',
    P2P_MDNS: '0',
  };
  const router = spawn(process.execPath, [LAUNCHER, 'router', '--http', '0'], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const url = await firstReady(router, 'the router to start').catch(async (error: unknown) => {
    await endProcess(router);
    fs.rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
    throw error;
  });
  const clients: Client[] = [];
  const command = async (...args: string[]) =>
    (await run(process.execPath, [LAUNCHER, ...args], { env, timeout: COMMAND_MS })).stdout;
  return {
    url: new URL('/', url).href,
    command,
    start(...args) {
      const dataDir = fs.mkdtempSync(path.join(folder, 'own-'));
      return { program: process.execPath, args: [LAUNCHER, ...args], env: { ...env, AIVILLAGE_DATA_DIR: dataDir } };
    },
    async connect(agent) {
      const token = (await command('token', 'issue', '--agent', agent)).trim();
      const client = new Client({ name: `demo-${agent}`, version: '1' });
      const requestInit = { headers: { authorization: `Bearer ${token}` } };
      const transport = new StreamableHTTPClientTransport(new URL(url), { requestInit });
      await within(`${agent} to be connected`, client.connect(transport));
      clients.push(client);
      return client;
    },
    async close() {
      for (const client of clients) await within('a client to close', client.close());
      await endProcess(router);
      fs.rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
    },
  };
}

/** What a process says behind `ready`. Throws when it ends before, or does not say it in time. */
export function firstReady(child: ChildProcess, what: string): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  child.once('error', reject);
  child.once('exit', (code, signal) => reject(new Error(`It ended (${code ?? signal}) while I waited for ${what}.`)));
  if (child.stdout === null) throw new Error('the process has no stdout');
  createInterface(child.stdout).on('line', (line) => {
    const ready = /^ready (\S+)$/.exec(line);
    if (ready?.[1] !== undefined) resolve(ready[1]);
  });
  return within(what, promise);
}

/** The structured result of a call. Throws with the tool's own words when it reports an error. */
export async function call(
  client: Client,
  name: string,
  args: Record<string, unknown>,
): Promise<Record<string, unknown>> {
  const result = (await client.callTool({ name, arguments: args })) as CallToolResult;
  if (result.isError === true) throw new Error(`${name}: ${JSON.stringify(result.content)}`);
  return result.structuredContent ?? {};
}
