/**
 * A real `aivillage serve p2p` process, anywhere (in a namespace of NetLab, on a folder of its own or a shared one), asked over
 * stdio like any server.
 */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { ResourceUpdatedNotificationSchema } from '@modelcontextprotocol/sdk/types.js';
import { z } from 'zod';
import { LAUNCHER } from './village.ts';

export interface PeerOptions {
  /** Its data folder; a new one unless given. */
  readonly folder?: string;
  /** What comes before the program, such as `lab.on('a')`. */
  readonly within?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Of Node itself, such as `--import`. */
  readonly nodeArgs?: readonly string[];
}

const statusSchema = z.looseObject({
  peer_id: z.string(),
  addresses: z.array(z.string()),
  transports: z.looseObject({ tcp: z.boolean(), quic: z.boolean() }),
  peers_connected: z.number(),
  peers_known: z.number(),
  faults: z.array(z.string()),
  owner_pid: z.number(),
  bitchat: z.looseObject({ waiting: z.number(), carried: z.number(), inbox: z.number() }),
});
const peerSchema = z.looseObject({
  peer_id: z.string(),
  connected: z.boolean(),
  transport: z.string().nullable(),
  standing: z.number(),
});
const inboxSchema = z.looseObject({
  messages: z.array(z.looseObject({ message_id: z.string(), kind: z.string(), from: z.string(), content: z.string() })),
  next_after: z.number(),
  sent: z.array(z.looseObject({ message_id: z.string(), status: z.string() })),
});

export class PeerProcess {
  readonly folder: string;
  readonly updates: string[] = [];
  private readonly client: Client;
  private readonly transport: StdioClientTransport;
  private readonly options: PeerOptions;

  private constructor(folder: string, client: Client, transport: StdioClientTransport, options: PeerOptions) {
    this.folder = folder;
    this.client = client;
    this.transport = transport;
    this.options = options;
    client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) => {
      this.updates.push(params.uri);
    });
  }

  /** Started and initialised; its node may still be starting. */
  static async start(options: PeerOptions = {}): Promise<PeerProcess> {
    const folder = options.folder ?? fs.mkdtempSync(path.join(os.tmpdir(), 'peer-'));
    const [program, ...args] = [
      ...(options.within ?? []),
      process.execPath,
      ...(options.nodeArgs ?? []),
      LAUNCHER,
      'serve',
      'p2p',
    ];
    const transport = new StdioClientTransport({
      command: program ?? process.execPath,
      args,
      env: {
        PATH: process.env.PATH ?? '',
        HOME: folder,
        AIVILLAGE_DATA_DIR: path.join(folder, 'data'),
        AIVILLAGE_CHECKPOINT_DIR: path.join(folder, 'checkpoints'),
        P2P_MDNS: '0',
        MCP_LOG_LEVEL: 'info',
        ...options.env,
      },
      stderr: 'pipe',
    });
    const client = new Client({ name: 'peer-test', version: '1.0.0' });
    const peer = new PeerProcess(folder, client, transport, options);
    await client.connect(transport);
    return peer;
  }

  /** The process that speaks MCP; behind `ip netns exec` it is the same one. */
  get pid(): number {
    return this.transport.pid ?? 0;
  }

  /** The structured result. @throws Error with the text when the tool refused */
  async call(name: string, args: Readonly<Record<string, unknown>> = {}): Promise<unknown> {
    const result = await this.client.callTool({ name, arguments: args }, undefined, { timeout: 60_000 });
    if (result.isError === true) throw new Error(JSON.stringify(result.content));
    return result.structuredContent;
  }

  async status() {
    return statusSchema.parse(await this.call('p2p_status'));
  }

  async peers() {
    const { peers } = z
      .looseObject({ peers: z.array(peerSchema) })
      .parse(await this.call('p2p_peers', { limit: 1_000 }));
    return peers;
  }

  async inbox(args: Readonly<Record<string, unknown>> = {}) {
    return inboxSchema.parse(await this.call('bitchat_inbox', args));
  }

  async send(to: string, content: string, more: Readonly<Record<string, unknown>> = {}) {
    return z
      .looseObject({ message_id: z.string(), status: z.string() })
      .parse(await this.call('bitchat_send', { to, content, ...more }));
  }

  async subscribe(uri: string): Promise<void> {
    await this.client.subscribeResource({ uri });
  }

  /** Without a word, as a crash does. */
  async kill(): Promise<void> {
    const gone = new Promise<void>((resolve) => {
      this.client.onclose = resolve;
    });
    process.kill(this.pid, 'SIGKILL');
    await gone;
  }

  /** Another process on the same folder. */
  async again(): Promise<PeerProcess> {
    return PeerProcess.start({ ...this.options, folder: this.folder });
  }

  /** Ends it as a host does; its folder stays. */
  async stop(): Promise<void> {
    await this.client.close();
  }

  async remove(): Promise<void> {
    await this.stop();
    fs.rmSync(this.folder, { recursive: true, force: true, maxRetries: 3 });
  }
}
