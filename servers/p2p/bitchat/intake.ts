/**
 * Takes in what a neighbour hands over: checks form, hops, time, quotas and signature, then keeps it: for us in the inbox, for
 * others to be carried on. Each id counts once. Sends nothing.
 */
import { createHash } from 'node:crypto';
import type { Log } from '../../../shared/log.ts';
import type { NodeKey } from '../../../shared/p2p/key.ts';
import type { Severity } from '../../../shared/p2p/node.ts';
import type { MessageStore } from '../store/message-store.ts';
import { createBuckets } from './bucket.ts';
import { decodeEnvelope, type Envelope, isGenuine, isTimely } from './envelope.ts';
import { openContent } from './seal.ts';

/** What is answered for each envelope: one byte. */
export const REPLY = {
  accepted: 0,
  duplicate: 1,
  /** Never again: too old, no link left, not to be read. */
  refused: 2,
  /** Later: a quota is used up. */
  busy: 3,
  malformed: 4,
} as const;
export type Reply = (typeof REPLY)[keyof typeof REPLY];

export interface Quotas {
  /** Envelopes of others that are carried, all together. */
  readonly carried: Limit;
  /** Of one sender. */
  readonly perSender: Limit;
  /** Handed over by one neighbour. */
  readonly perNeighbour: Limit;
  /** Messages of one sender into the inbox in an hour. */
  readonly inboxPerHour: number;
}
interface Limit {
  readonly count: number;
  readonly bytes: number;
}

const MB = 1_048_576;
export const QUOTAS: Quotas = {
  carried: { count: 10_000, bytes: 128 * MB },
  perSender: { count: 500, bytes: 8 * MB },
  perNeighbour: { count: 4_000, bytes: 48 * MB },
  inboxPerHour: 2_000,
};

export interface IntakeParts {
  readonly key: NodeKey;
  readonly store: MessageStore;
  readonly quotas: Quotas;
  readonly log: Log;
  now(): number;
  report(peerId: string, severity: Severity, why: string): void;
  /** Tells the sender of a message that came through others; in the transaction that takes it in. */
  confirm(message: Envelope): void;
}

/** What came of an envelope. */
export interface Taken {
  readonly reply: Reply;
  /** Set when it is new. */
  readonly envelope?: Envelope;
  /** Set when it is new: `mine` was read, `carry` is to be handed on, `confirmed` ended the wait for an own message. */
  readonly is?: 'mine' | 'carry' | 'confirmed';
}

/** @returns what takes one envelope in: the links it may still pass, and its bytes */
export function createIntake(parts: IntakeParts): (from: string, hopsLeft: number, bytes: Uint8Array) => Taken {
  const { key, store, quotas, log, now, report, confirm } = parts;
  const pace = createBuckets({ burst: 512, perSecond: 64, overdraft: 128 });

  const isFull = (neighbour: string, { from }: Envelope): boolean =>
    isOver(store.carriedForOthers(), quotas.carried) ||
    isOver(store.carriedFrom(from), quotas.perSender) ||
    isOver(store.carriedBy(neighbour), quotas.perNeighbour);

  const takeForUs = (neighbour: string, envelope: Envelope): Taken => {
    if (envelope.kind === 'confirmation') {
      const confirmed = Buffer.from(envelope.body).toString('hex');
      store.markSeen(envelope.id, envelope.expiresAt);
      const wasWaiting = store.markDelivered(confirmed, envelope.from, now());
      if (wasWaiting) store.drop(confirmed);
      return { reply: REPLY.accepted, envelope, ...(wasWaiting && { is: 'confirmed' }) };
    }
    if (store.receivedFrom(envelope.from, now() - 3_600_000) >= quotas.inboxPerHour) return { reply: REPLY.busy };
    const content = openContent(key, envelope, envelope.body);
    store.markSeen(envelope.id, envelope.expiresAt);
    if (content === undefined) {
      log.info({ from: envelope.from }, 'a message could not be opened: it was not encrypted for this node');
      return { reply: REPLY.refused };
    }
    store.receive({
      id: envelope.id,
      kind: 'message',
      fromPeer: envelope.from,
      fromAgent: content.fromAgent,
      content: content.text,
      priority: 'normal',
      sentAt: envelope.createdAt,
      receivedAt: now(),
    });
    // A sender that hands it over itself knows by the answer.
    if (envelope.from !== neighbour) confirm(envelope);
    return { reply: REPLY.accepted, envelope, is: 'mine' };
  };

  const takeForOthers = (neighbour: string, hopsLeft: number, bytes: Uint8Array, envelope: Envelope): Taken => {
    const { id, from, to, expiresAt } = envelope;
    if (envelope.kind === 'confirmation') {
      // Only its recipient can confirm a message: then nobody needs to carry it any longer.
      const confirmed = store.findCarried(Buffer.from(envelope.body).toString('hex'));
      if (confirmed !== undefined && confirmed.toPeer === from && confirmed.fromPeer === to) store.drop(confirmed.id);
    }
    store.markSeen(id, expiresAt);
    if (hopsLeft === 0) return { reply: REPLY.refused };
    store.carry({
      id,
      isOwn: false,
      fromPeer: from,
      toPeer: to,
      byPeer: neighbour,
      envelope: bytes,
      hopsLeft,
      receivedAt: now(),
      expiresAt,
    });
    return { reply: REPLY.accepted, envelope, is: 'carry' };
  };

  return (neighbour, hopsLeft, bytes) => {
    const tokens = pace.take(neighbour, now());
    if (tokens < 0) {
      // Who reads the answers stops at the first one.
      if (tokens <= -128) report(neighbour, 'slip', 'far more messages than the pace allows');
      return { reply: REPLY.busy };
    }
    const envelope = decodeEnvelope(bytes);
    if (envelope === undefined || hopsLeft >= envelope.maxHops) {
      report(neighbour, 'breach', 'an envelope that breaks the form');
      return { reply: REPLY.malformed };
    }
    if (!isTimely(envelope, now())) return { reply: REPLY.refused };
    if (store.isSeen(envelope.id)) {
      widen(store, envelope.id, hopsLeft, bytes);
      return { reply: REPLY.duplicate };
    }
    const isForUs = envelope.to === key.peerId;
    if (!isForUs && isFull(neighbour, envelope)) return { reply: REPLY.busy };
    if (!isGenuine(bytes, envelope)) {
      report(neighbour, 'breach', 'an envelope with a wrong signature');
      return { reply: REPLY.malformed };
    }
    if (envelope.from === key.peerId) return { reply: REPLY.duplicate };
    return store.transaction(() =>
      isForUs ? takeForUs(neighbour, envelope) : takeForOthers(neighbour, hopsLeft, bytes, envelope),
    );
  };
}

/** The copy that came first may have come the longer way. */
function widen(store: MessageStore, id: string, hopsLeft: number, bytes: Uint8Array): void {
  const carried = store.findCarried(id);
  if (carried === undefined || carried.isOwn || carried.hopsLeft >= hopsLeft) return;
  if (digest(carried.envelope) === digest(bytes)) store.setHops(id, hopsLeft);
}

function digest(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('base64');
}

function isOver(used: { count: number; bytes: number }, { count, bytes }: Limit): boolean {
  return used.count >= count || used.bytes >= bytes;
}
