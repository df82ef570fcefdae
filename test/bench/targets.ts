/** Starts what is measured: the router with everything on, or the bare relay, before upstreams of the bench's own. */
import type { ChildProcess } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import type { BareRelayOptions } from './bare-relay.ts';
import { bearerTokens, SECRET } from './bearer.ts';
import { ClientSession } from './client-session.ts';
import { Connection } from './connection.ts';
import { descendants } from './proc.ts';
import { firstMessage, freePort, type Processes } from './processes.ts';

export type TargetName = 'router' | 'bare';
export type UpstreamKind = 'stdio' | 'http';

export interface TargetOptions {
  readonly upstream: UpstreamKind;
  /** Upstreams, and tools of each. More than one for the router only. */
  readonly upstreams?: number;
  readonly tools?: number;
  readonly nodeFlags?: readonly string[];
  /** More of each upstream's entry, and of the row of its tools: for the router only. */
  readonly entry?: object;
  readonly row?: object;
  /** More of the `router` section of its configuration. */
  readonly router?: Readonly<Record<string, unknown>>;
  /** The checkout whose router it is; this one by default. */
  readonly root?: string;
}

export interface Target {
  readonly name: TargetName;
  readonly url: string;
  readonly tokens: readonly string[];
  /** The name under which it lists the echo tool. */
  readonly tool: string;
  readonly pid: number;
  /** Upstreams, wherever they hang. */
  readonly helperPids: readonly number[];
  /** From spawn to the first `tools/list` that held the tool. */
  readonly startMs: number;
  stop(): Promise<void>;
}

const ROOT = path.join(import.meta.dirname, '../..');
const LAUNCHER = 'router/bin/aivillage.mjs';
const START_TIMEOUT_MS = 30_000;
const RETRY_MS = 5;
/** The most that the configuration takes: the limiter counts every call and refuses none. */
const CALLS_PER_MINUTE = 100_000_000;

type UpstreamEntry = BareRelayOptions['upstream'];

/** Rejects when it does not list the echo tool within 30 s. */
export async function startTarget(processes: Processes, name: TargetName, options: TargetOptions): Promise<Target> {
  const { upstreams = 1, tools = 1 } = options;
  const started = await Promise.all(
    Array.from({ length: upstreams }, () => startUpstream(processes, options.upstream, tools)),
  );
  const entries = started.map(({ entry }) => entry);
  const helpers = started.flatMap(({ child }) => child ?? []);
  const port = await freePort();
  const url = `http://127.0.0.1:${port}/mcp`;
  const tokens = bearerTokens();
  const startedAt = performance.now();
  const child =
    name === 'router'
      ? startRouter(processes, port, entries, options)
      : startBare(processes, port, entries[0]!, options);
  const tool = await waitForTool(url, tokens[0]!, child);
  return {
    name,
    url,
    tokens,
    tool,
    pid: child.pid!,
    helperPids: [...helpers.map(({ pid }) => pid!), ...descendants(child.pid!)],
    startMs: performance.now() - startedAt,
    async stop() {
      await processes.stop(child);
      for (const helper of helpers) await processes.stop(helper);
    },
  };
}

/** Over stdio the target starts it; over HTTP it runs already. */
async function startUpstream(
  processes: Processes,
  kind: UpstreamKind,
  tools: number,
): Promise<{ entry: UpstreamEntry; child?: ChildProcess }> {
  if (kind === 'stdio') {
    const [command, ...args] = processes.command('rest', file('echo-stdio.ts'), [String(tools)]);
    return { entry: { command: command!, args } };
  }
  const child = processes.start('rest', file('echo-http.ts'), [String(tools)], { channel: true });
  return { entry: { url: `http://127.0.0.1:${Number(await firstMessage(child))}/mcp` }, child };
}

function startRouter(
  processes: Processes,
  port: number,
  entries: readonly UpstreamEntry[],
  { root = ROOT, nodeFlags = [], entry: more = {}, row = {}, router = {} }: TargetOptions,
): ChildProcess {
  const folder = processes.newFolder();
  const config = path.join(folder, 'mcp-servers.json');
  const servers = entries.map((entry, i) => [
    `bench${i}`,
    'url' in entry ? { ...entry, ...more, allowPrivateAddress: true } : { ...entry, ...more },
  ]);
  const permissions = entries.map((_, i) => ({ match: `bench${i}/*`, level: 'OPERATOR', ...row }));
  fs.writeFileSync(
    config,
    JSON.stringify({
      mcpServers: Object.fromEntries(servers) as unknown,
      permissions,
      router: { rateLimit: { perMinute: CALLS_PER_MINUTE }, ...router },
    }),
  );
  const env = {
    AIVILLAGE_DATA_DIR: path.join(folder, 'data'),
    MCP_JWT_SECRET_KEY: SECRET,
    MCP_LOG_LEVEL: 'warn',
    PATH: path.dirname(process.execPath),
  };
  const args = ['router', '--http', String(port), '--config', config];
  return processes.start('target', path.join(root, LAUNCHER), args, { env, nodeFlags });
}

function startBare(
  processes: Processes,
  port: number,
  upstream: UpstreamEntry,
  { nodeFlags = [] }: TargetOptions,
): ChildProcess {
  const options: BareRelayOptions = { port, secret: SECRET, prefix: 'bench0__', upstream };
  const args = [JSON.stringify(options)];
  return processes.start('target', file('bare-relay.ts'), args, { channel: true, nodeFlags });
}

/** Asks until the echo tool is listed. @returns the name it is listed under */
async function waitForTool(url: string, token: string, child: ChildProcess): Promise<string> {
  const deadline = performance.now() + START_TIMEOUT_MS;
  let last = 'no answer';
  while (performance.now() < deadline) {
    if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode} before it listed the tool: ${last}`);
    const connection = new Connection(new URL(url));
    try {
      const session = new ClientSession(new URL(url), token);
      await session.open(connection);
      const { tools } = await session.list(connection);
      await session.close(connection);
      const tool = tools.find(({ name }) => name.endsWith('echo'));
      if (tool !== undefined) return tool.name;
      last = `${tools.length} tools, none of them echo`;
    } catch (error) {
      last = (error as Error).message;
    } finally {
      connection.close();
    }
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  }
  throw new Error(`it did not list the tool within ${START_TIMEOUT_MS} ms: ${last}`);
}

function file(name: string): string {
  return path.join(import.meta.dirname, name);
}
