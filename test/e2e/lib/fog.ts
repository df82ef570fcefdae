/** A village with the P2P and fog servers, and fog nodes as processes of their own: what the tests of the fog share. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { Client } from '@modelcontextprotocol/sdk/client/index.js';
import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js';
import { connect } from './sdk-client.ts';
import { until } from './until.ts';
import { LAUNCHER, tokenFor, Village, type VillageConfig } from './village.ts';

const serve = (id: string) => ({ command: 'node', args: [LAUNCHER, 'serve', id] });

const START_WITHIN_MS = 60_000;

export const FOG_CONFIG: VillageConfig = {
  mcpServers: { fog: serve('fog'), p2p: serve('p2p') },
  agents: {
    magi: { level: 'COORDINATOR', role: 'developer' },
    sage: { level: 'GOVERNANCE', role: 'admin' },
    alice: { level: 'OPERATOR', role: 'developer' },
    bob: { level: 'OPERATOR', role: 'developer' },
  },
  router: { rateLimit: { perMinute: 100_000 } },
  fog: {
    commands: {
      sh: { command: 'sh', args: ['-c'] },
      'bash-open': { command: 'bash', args: ['-c'], sandbox: false },
      bash: { command: 'bash', args: ['-c'] },
      sleep: { command: 'sleep' },
    },
    agents: { magi: {} },
  },
};

export interface NodeProcess {
  readonly nodeId: string;
  readonly process: ChildProcess;
  readonly stderr: () => string;
  /** Ends it, gently unless told otherwise. */
  end(signal?: NodeJS.Signals): Promise<void>;
}

export interface FogVillage {
  readonly village: Village;
  /** What nodes join by. */
  readonly address: string;
  startNode(...args: string[]): Promise<NodeProcess>;
  as(agent: string): Promise<FogCaller>;
  remove(): Promise<void>;
}

export interface FogCaller {
  readonly client: Client;
  /** The structured result; throws with the tool's own words. */
  call(tool: string, args?: Record<string, unknown>): Promise<Record<string, unknown>>;
}

/** @param by which of the two addresses nodes join by: that of the peers, or the fog server's own */
export async function startFogVillage(by: 'p2p' | 'fog', more: VillageConfig = {}): Promise<FogVillage> {
  const env = { P2P_MDNS: '0', P2P_LISTEN: '/ip4/127.0.0.1/tcp/0' };
  const village = await Village.start({ config: { ...FOG_CONFIG, ...more }, env });
  const nodes: NodeProcess[] = [];
  const clients: Client[] = [];
  const folders: string[] = [];

  async function as(agent: string): Promise<FogCaller> {
    const level = agent === 'sage' ? 'GOVERNANCE' : agent === 'magi' ? 'COORDINATOR' : 'OPERATOR';
    const role = agent === 'sage' ? 'admin' : 'developer';
    const token = tokenFor(agent, { role, governance_level: level, permissions: ['fog:*', 'p2p:*'] });
    const { client } = await connect(village, token, 'http', '2025-11-25');
    clients.push(client);
    return {
      client,
      async call(tool, args = {}) {
        const result = (await client.callTool({ name: tool, arguments: args })) as CallToolResult;
        const [content] = result.content;
        if (result.isError === true) throw new Error(content?.type === 'text' ? content.text : 'no text');
        return (result.structuredContent ?? {}) as Record<string, unknown>;
      },
    };
  }

  // The servers are started by their first use; on a busy machine that takes longer than the router lets a call wait.
  const first = await as('magi');
  const answers = (tool: string) =>
    until(`${tool} answers`, () => first.call(tool).catch(() => false), START_WITHIN_MS);
  await Promise.all([answers('fog_resources'), answers('p2p_status')]);
  const address = await until(
    'the village has an address',
    async () => {
      const { code, stdout } = await village.cli(by, 'address');
      return code === 0 && stdout.trim();
    },
    START_WITHIN_MS,
  );

  return {
    village,
    address,
    as,
    async startNode(...args) {
      const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'fog-node-'));
      folders.push(folder);
      const child = spawn(process.execPath, [LAUNCHER, 'fog', 'node', '--join', address, ...args], {
        env: { ...village.env, AIVILLAGE_DATA_DIR: folder, ...env },
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      let stderr = '';
      child.stderr.setEncoding('utf8').on('data', (text: string) => {
        stderr += text;
      });
      const nodeId = await new Promise<string>((resolve, reject) => {
        createInterface(child.stdout).on('line', (line) => {
          const ready = /^ready (\S+)$/.exec(line)?.[1];
          if (ready !== undefined) resolve(ready);
        });
        child.once('exit', (code) => reject(new Error(`the node ended with ${code} before it joined: ${stderr}`)));
      });
      const node: NodeProcess = {
        nodeId,
        process: child,
        stderr: () => stderr,
        async end(signal = 'SIGTERM') {
          if (child.exitCode !== null || child.signalCode !== null) return;
          const gone = once(child, 'exit');
          child.kill('SIGCONT');
          child.kill(signal);
          await gone;
        },
      };
      nodes.push(node);
      return node;
    },
    async remove() {
      for (const client of clients) await client.close();
      await Promise.all(nodes.map((node) => node.end()));
      await village.remove();
      for (const folder of folders) fs.rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
    },
  };
}
