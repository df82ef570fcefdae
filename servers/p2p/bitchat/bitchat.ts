/**
 * BitChat: messages from peer to peer over the mesh, kept until they arrive. Puts intake, courier and store together on a node;
 * the rules stand in those.
 */
import { randomBytes } from 'node:crypto';
import { AppError } from '../../../shared/errors.ts';
import { FrameError, framesOn } from '../../../shared/p2p/frames.ts';
import { isPeerId, type NodeKey } from '../../../shared/p2p/key.ts';
import type { P2pNode, Stream } from '../../../shared/p2p/node.ts';
import { MAX_CONTENT_BYTES, MAX_HOPS } from '../limits.ts';
import type { MessageStore } from '../store/message-store.ts';
import { createCourier, FRAME_TIMEOUT_MS, MAX_FRAME_BYTES, PROTOCOL } from './courier.ts';
import { type Envelope, type Header, ID_BYTES, signEnvelope } from './envelope.ts';
import { createIntake, QUOTAS, type Quotas } from './intake.ts';
import { sealContent } from './seal.ts';

const SWEEP_EVERY_MS = 2_000;
/** Own messages without an answer are handed to the same neighbours again after this. */
const OFFER_AGAIN_MS = 60_000;
/** The recipient gets the first chance; then neighbours get copies. */
const DIRECT_FIRST_MS = 300;
const MAX_WAITING = 10_000;

export interface Outgoing {
  /** 32 hexadecimal digits, made by who asks: sending one twice sends it once. */
  readonly id: string;
  readonly to: string;
  readonly fromAgent: string;
  readonly content: string;
  readonly ttlHops: number;
  readonly expiresSeconds: number;
}

/** `delivered`: the recipient's node has it. `relayed`: neighbours carry it. `queued`: it waits here. */
export type SendStatus = 'delivered' | 'relayed' | 'queued';

export interface Bitchat {
  /** Durable when it returns. @throws AppError INVALID_PARAMS, RATE_LIMITED */
  send(message: Outgoing): void;
  /** How far an own message is, after waiting at most this long for its delivery. */
  progress(id: string, withinMs: number): Promise<SendStatus>;
  close(): Promise<void>;
}

export interface BitchatParts {
  readonly node: P2pNode;
  readonly key: NodeKey;
  readonly store: MessageStore;
  /** The inbox or the state of what was sent changed. */
  changed(): void;
  readonly quotas?: Quotas;
}

export function makeMessageId(): string {
  return randomBytes(ID_BYTES).toString('hex');
}

export async function startBitchat({ node, key, store, changed, quotas = QUOTAS }: BitchatParts): Promise<Bitchat> {
  const { log, now } = node;
  const waiting = new Map<string, Set<() => void>>();
  const timers = new Set<NodeJS.Timeout>();
  const delivered = (id: string): void => {
    for (const wake of waiting.get(id) ?? []) wake();
    changed();
  };
  const courier = createCourier({ node, store, log, delivered });
  const spread = (): void => {
    for (const { peerId, isConnected } of node.peers()) if (isConnected) courier.visit(peerId);
  };
  const soon = (work: () => void, ms: number): void => {
    const timer = setTimeout(() => {
      timers.delete(timer);
      work();
    }, ms);
    timers.add(timer);
  };
  /** To the recipient where it is there, to neighbours where it is not. */
  const dispatch = (to: string): void => {
    if (node.peer(to)?.isConnected !== true) {
      spread();
      return;
    }
    courier.visit(to);
    soon(spread, DIRECT_FIRST_MS);
  };
  const carryOwn = (header: Header, body: Uint8Array): void => {
    store.markSeen(header.id, header.expiresAt);
    store.carry({
      id: header.id,
      isOwn: true,
      fromPeer: header.from,
      toPeer: header.to,
      byPeer: header.from,
      envelope: signEnvelope(key, { ...header, body }),
      hopsLeft: header.maxHops,
      receivedAt: now(),
      expiresAt: header.expiresAt,
    });
  };
  const confirm = ({ id, from, expiresAt }: Envelope): void => {
    const header: Header = {
      kind: 'confirmation',
      id: makeMessageId(),
      from: key.peerId,
      to: from,
      createdAt: now(),
      expiresAt,
      maxHops: MAX_HOPS,
    };
    carryOwn(header, Buffer.from(id, 'hex'));
  };
  const intake = createIntake({ key, store, quotas, log, now, report: node.report, confirm });
  const receive = async (stream: Stream, neighbour: string): Promise<void> => {
    const frames = framesOn(stream, { maxBytes: MAX_FRAME_BYTES, timeoutMs: FRAME_TIMEOUT_MS });
    try {
      for (let frame = await frames.read(); frame !== undefined; frame = await frames.read()) {
        const [hopsLeft = 0] = frame;
        const { reply, envelope, is } = intake(neighbour, hopsLeft, frame.subarray(1));
        await frames.write(Buffer.from([reply]));
        if (envelope === undefined) continue;
        if (is === 'mine') {
          changed();
          if (envelope.from !== neighbour) dispatch(envelope.from);
        } else if (is === 'carry') dispatch(envelope.to);
        else if (is === 'confirmed') delivered(Buffer.from(envelope.body).toString('hex'));
      }
      await frames.close();
    } catch (error) {
      if (error instanceof FrameError) node.report(neighbour, 'breach', error.message);
      throw error;
    }
  };
  const endHandling = await node.handle(PROTOCOL, receive, { maxInboundStreams: 4 });

  const connected = new Set(node.peers().flatMap(({ peerId, isConnected }) => (isConnected ? [peerId] : [])));
  const endWatch = node.onPeerChange((peerId) => {
    if (node.peer(peerId)?.isConnected !== true) connected.delete(peerId);
    else if (!connected.has(peerId)) {
      connected.add(peerId);
      courier.visit(peerId);
    }
  });
  const sweep = (): void => {
    store.offerOwnAgain(now() - OFFER_AGAIN_MS);
    for (const peerId of store.awaited(now())) if (!connected.has(peerId)) node.remember(peerId, [], now());
    spread();
  };
  const timer = setInterval(sweep, SWEEP_EVERY_MS);
  sweep();

  return {
    send({ id, to, fromAgent, content, ttlHops, expiresSeconds }) {
      if (!isPeerId(to) || to === key.peerId) {
        throw new AppError('INVALID_PARAMS', {
          text: 'Expected the peer id of another node as "to", such as 12D3KooW…; p2p_peers lists those that are known',
        });
      }
      if (store.isSeen(id)) return;
      if (Buffer.byteLength(JSON.stringify({ from_agent: fromAgent, content })) > MAX_CONTENT_BYTES) {
        throw new AppError('INVALID_PARAMS', {
          text: `A message has at most ${MAX_CONTENT_BYTES} bytes; send it in parts`,
        });
      }
      if (store.waiting(now()) >= MAX_WAITING) {
        throw new AppError('RATE_LIMITED', {
          text: `${MAX_WAITING} messages wait for their recipients already; send again when some have arrived or run out`,
        });
      }
      const createdAt = now();
      const expiresAt = createdAt + expiresSeconds * 1_000;
      const header: Header = { kind: 'message', id, from: key.peerId, to, createdAt, expiresAt, maxHops: ttlHops };
      const body = sealContent(header, { fromAgent, text: content });
      store.transaction(() => {
        store.putSent({ id, toPeer: to, sentAt: createdAt, expiresAt });
        carryOwn(header, body);
      });
      node.remember(to, [], now());
      dispatch(to);
    },
    async progress(id, withinMs) {
      const isDelivered = () => store.findSent(id)?.deliveredAt != null;
      if (!isDelivered()) await woken(waiting, id, withinMs);
      if (isDelivered()) return 'delivered';
      return store.timesHanded(id) > 0 ? 'relayed' : 'queued';
    },
    async close() {
      clearInterval(timer);
      for (const each of timers) clearTimeout(each);
      endWatch();
      await endHandling();
      await courier.close();
    },
  };
}

function woken(waiting: Map<string, Set<() => void>>, id: string, withinMs: number): Promise<void> {
  return new Promise((resolve) => {
    const wakes = waiting.get(id) ?? new Set();
    waiting.set(id, wakes);
    const wake = () => {
      clearTimeout(timer);
      wakes.delete(wake);
      if (wakes.size === 0) waiting.delete(id);
      resolve();
    };
    const timer = setTimeout(wake, withinMs);
    wakes.add(wake);
  });
}
