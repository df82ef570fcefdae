/** What the tools, resources and prompts ask of the node about peers, and the form of the answers. */
import { z } from 'zod';
import { detailsSchema, serviceNameSchema } from '../../shared/p2p/capabilities.ts';
import { circuitStatusSchema } from './circuit-operations.ts';
import { MAX_HOPS, MAX_LIFETIME_MS, PRIORITIES } from './limits.ts';
import { defineOperation } from './owner/operation.ts';

const MAX_TIME = 8_640_000_000_000_000;

export const peerIdSchema = z.string().min(1).max(60);
export const addressSchema = z.string().min(1).max(512);
const timeSchema = z.iso.datetime().max(40);
const millisecondsSchema = z.number().min(0).max(MAX_TIME);
const nameSchema = z.string().max(48);
const countSchema = z.int().min(0).max(1_000_000_000);

export const MAX_PEERS_LISTED = 1_000;

export const peerSchema = z.object({
  peer_id: peerIdSchema,
  connected: z.boolean(),
  /** What the connection runs on; null while there is none. `relay` is through a third peer. */
  transport: z.enum(['tcp', 'quic', 'relay', 'other']).nullable(),
  direction: z.enum(['inbound', 'outbound']).nullable(),
  /** The last round trip that was measured. */
  latency_ms: millisecondsSchema.nullable(),
  addresses: z.array(addressSchema).max(16),
  last_seen: timeSchema,
  /** What it says it runs, by its signed record. */
  services: z.array(nameSchema).max(16),
  cpu_cores: z.number().min(0).max(4_096),
  memory_gb: z.number().min(0).max(65_536),
  gpu: z.boolean(),
  /** 0 for a peer that never broke a rule, down to -100: refused. */
  standing: z.int().min(-100).max(0),
});
export type PeerView = z.output<typeof peerSchema>;

export const statusSchema = z.object({
  peer_id: peerIdSchema,
  /** What others join by, each with the peer id at its end. */
  addresses: z.array(addressSchema).max(64),
  transports: z.object({ tcp: z.boolean(), quic: z.boolean(), relay: z.boolean() }),
  private_network: z.boolean(),
  mdns: z.boolean(),
  peers_connected: countSchema,
  peers_known: countSchema,
  uptime_seconds: countSchema,
  /** What does not work, and what to do. */
  faults: z.array(z.string().max(1_024)).max(32),
  /** The neighbours, nearest first; at most 100. */
  topology: z
    .array(peerSchema.pick({ peer_id: true, transport: true, direction: true, latency_ms: true, standing: true }))
    .max(100),
  /** BitChat: messages kept here, by why. */
  bitchat: z.object({
    inbox: countSchema,
    /** Own messages that no recipient has confirmed yet. */
    waiting: countSchema,
    /** Messages of others that are carried for them. */
    carried: countSchema,
  }),
  /** BetaNet: circuits that end or pass here. */
  betanet: circuitStatusSchema,
  /** The process that runs the node for all on this data folder. */
  owner_pid: countSchema,
});

export const status = defineOperation({ name: 'network.status', args: z.strictObject({}), result: statusSchema });

export const peersSchema = z.object({ peers: z.array(peerSchema).max(MAX_PEERS_LISTED), total: countSchema });

export const listPeers = defineOperation({
  name: 'network.peers',
  args: z.strictObject({
    connectedOnly: z.boolean(),
    service: nameSchema.optional(),
    limit: z.int().min(1).max(MAX_PEERS_LISTED),
  }),
  result: peersSchema,
});

export const connectPeer = defineOperation({
  name: 'network.connect',
  args: z.strictObject({ target: addressSchema }),
  result: peerSchema,
});

export const disconnectPeer = defineOperation({
  name: 'network.disconnect',
  args: z.strictObject({ peerId: peerIdSchema }),
  result: z.object({ wasConnected: z.boolean() }),
});

export const announcedSchema = z.object({
  /** What this node offers now, all together. */
  services: z.record(nameSchema, detailsSchema),
  cpu_cores: z.number().min(0).max(4_096),
  memory_gb: z.number().min(0).max(65_536),
  gpu: z.boolean(),
  expires_at: timeSchema.nullable(),
});

export const announce = defineOperation({
  name: 'network.announce',
  args: z.strictObject({
    service: serviceNameSchema,
    details: detailsSchema,
    cpuCores: z.number().min(0).max(4_096).optional(),
    memoryGb: z.number().min(0).max(65_536).optional(),
    gpu: z.boolean().optional(),
    /** 0 withdraws it. */
    ttlSeconds: z.int().min(0).max(86_400),
  }),
  result: announcedSchema,
});

const fogNodeSchema = z.object({
  node_id: peerIdSchema,
  cpu_cores: z.number().min(0).max(4_096),
  memory_gb: z.number().min(0).max(65_536),
  gpu: z.boolean(),
  /** Of a round trip made for this answer. */
  latency_ms: millisecondsSchema,
});

export const MAX_FOG_NODES = 100;

export const discoverFogNodes = defineOperation({
  name: 'network.discoverFogNodes',
  args: z.strictObject({
    minCpuCores: z.number().min(0).max(4_096),
    minMemoryGb: z.number().min(0).max(65_536),
    gpuRequired: z.boolean(),
  }),
  result: z.object({ available_nodes: z.array(fogNodeSchema).max(MAX_FOG_NODES) }),
});

const messageIdSchema = z.string().max(120);
const contentSchema = z.string().max(60_000);

export const sendMessage = defineOperation({
  name: 'bitchat.send',
  args: z.strictObject({
    id: z.string().regex(/^[0-9a-f]{32}$/),
    to: peerIdSchema,
    fromAgent: z.string().max(128),
    content: contentSchema,
    ttlHops: z.int().min(1).max(MAX_HOPS),
    expiresSeconds: z
      .int()
      .min(1)
      .max(MAX_LIFETIME_MS / 1_000),
  }),
  result: z.object({ message_id: messageIdSchema, status: z.enum(['delivered', 'relayed', 'queued']) }),
});

export const inboxSchema = z.object({
  /** Oldest first. */
  messages: z
    .array(
      z.object({
        message_id: messageIdSchema,
        kind: z.enum(['message', 'broadcast', 'circuit']),
        /** For what came through a circuit: `circuit:` and its id. */
        from: peerIdSchema,
        /** The agent behind it, by the word of its village. */
        from_agent: z.string().max(128),
        content: contentSchema,
        priority: z.enum(PRIORITIES),
        sent_at: timeSchema,
        received_at: timeSchema,
      }),
    )
    .max(200),
  /** Give it as `after` to read on. */
  next_after: countSchema,
  /** Own messages, newest first. */
  sent: z
    .array(
      z.object({
        message_id: messageIdSchema,
        to: peerIdSchema,
        status: z.enum(['delivered', 'waiting', 'expired']),
        sent_at: timeSchema,
        delivered_at: timeSchema.nullable(),
      }),
    )
    .max(200),
});

export const readInbox = defineOperation({
  name: 'bitchat.inbox',
  args: z.strictObject({
    /** A position; without it the newest. */
    after: countSchema.optional(),
    limit: z.int().min(1).max(200),
    kind: z.enum(['message', 'broadcast', 'circuit']).optional(),
  }),
  result: inboxSchema,
});

export const sendBroadcast = defineOperation({
  name: 'broadcast.send',
  args: z.strictObject({
    id: z.string().regex(/^[0-9a-f]{32}$/),
    fromAgent: z.string().max(128),
    content: z.string().min(1).max(16_000),
    priority: z.enum(PRIORITIES),
  }),
  result: z.object({ message_id: messageIdSchema, neighbours: countSchema }),
});
