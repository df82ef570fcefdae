/**
 * Hands carried envelopes to neighbours, one stream at a time for each: what is for the neighbour itself first, then copies for
 * others to carry on. Keeps nothing of its own but who is busy.
 */
import type { Log } from '../../../shared/log.ts';
import { FrameError, framesOn } from '../../../shared/p2p/frames.ts';
import type { P2pNode } from '../../../shared/p2p/node.ts';
import type { MessageStore } from '../store/message-store.ts';
import type { Parcel } from '../store/parcels.ts';
import { MAX_ENVELOPE_BYTES } from './envelope.ts';
import { REPLY, type Reply } from './intake.ts';

export const PROTOCOL = '/aivillage/bitchat/1.0.0';
/** The links left, then the envelope. */
export const MAX_FRAME_BYTES = 1 + MAX_ENVELOPE_BYTES;
export const FRAME_TIMEOUT_MS = 10_000;

/** Neighbours that get a copy to carry, beside the recipient. */
const COPIES = 8;
const BATCH = 32;
/** After a busy answer, or a stream that could not be had. */
const WAIT_MS = 2_000;

export interface CourierParts {
  readonly node: P2pNode;
  readonly store: MessageStore;
  readonly log: Log;
  /** The recipient itself took an own message. */
  delivered(id: string): void;
}

export interface Courier {
  /** Hands over what there is for a connected neighbour; a second call while it runs makes it look once more. */
  visit(peerId: string): void;
  close(): Promise<void>;
}

interface Round {
  isAgain: boolean;
  readonly done: Promise<void>;
}

export function createCourier({ node, store, log, delivered }: CourierParts): Courier {
  const rounds = new Map<string, Round>();
  const waits = new Map<string, NodeJS.Timeout>();
  let isClosed = false;

  const settle = (peerId: string, { id, toPeer }: Parcel, reply: Reply): void => {
    const isTaken = reply === REPLY.accepted || reply === REPLY.duplicate;
    store.transaction(() => {
      if (isTaken && toPeer === peerId) {
        if (store.markDelivered(id, peerId, node.now())) delivered(id);
        store.drop(id);
      } else {
        store.markHanded(id, peerId, node.now());
      }
    });
  };
  /** @returns false when the neighbour has enough for now */
  const handOver = async (peerId: string): Promise<boolean> => {
    const next = () => (isClosed ? [] : store.parcelsFor(peerId, node.now(), COPIES, BATCH));
    let parcels = next();
    if (parcels.length === 0) return true;
    const stream = await node.openStream(peerId, PROTOCOL, { signal: AbortSignal.timeout(FRAME_TIMEOUT_MS) });
    const frames = framesOn(stream, { maxBytes: MAX_FRAME_BYTES, timeoutMs: FRAME_TIMEOUT_MS });
    try {
      for (; parcels.length > 0; parcels = next()) {
        for (const { envelope, hopsLeft } of parcels) {
          await frames.write(Buffer.concat([Buffer.from([hopsLeft - 1]), envelope]));
        }
        let isBusy = false;
        for (const parcel of parcels) {
          const answer = await frames.read();
          if (answer?.length !== 1) throw new FrameError('expected one byte for each envelope');
          const reply = answer[0] as Reply;
          if (reply === REPLY.busy) isBusy = true;
          else settle(peerId, parcel, reply);
        }
        if (isBusy) return false;
      }
      return true;
    } finally {
      await frames.close().catch((error: Error) => frames.abort(error));
    }
  };
  const run = async (peerId: string, round: () => Round): Promise<void> => {
    try {
      do {
        round().isAgain = false;
        if (!(await handOver(peerId))) later(peerId);
      } while (round().isAgain && !waits.has(peerId) && !isClosed);
    } catch (cause) {
      log.debug({ peerId, cause: String(cause) }, 'a neighbour did not take messages; they are kept');
      later(peerId);
    } finally {
      rounds.delete(peerId);
    }
  };
  const later = (peerId: string): void => {
    if (isClosed || waits.has(peerId)) return;
    const timer = setTimeout(() => {
      waits.delete(peerId);
      if (node.peer(peerId)?.isConnected === true) visit(peerId);
    }, WAIT_MS);
    waits.set(peerId, timer);
  };
  const visit = (peerId: string): void => {
    if (isClosed || waits.has(peerId)) return;
    const running = rounds.get(peerId);
    if (running !== undefined) {
      running.isAgain = true;
      return;
    }
    const begun = Promise.withResolvers<void>();
    const round: Round = { isAgain: false, done: begun.promise };
    rounds.set(peerId, round);
    void run(peerId, () => round).finally(begun.resolve);
  };

  return {
    visit,
    async close() {
      isClosed = true;
      for (const timer of waits.values()) clearTimeout(timer);
      await Promise.all([...rounds.values()].map(({ done }) => done));
    },
  };
}
