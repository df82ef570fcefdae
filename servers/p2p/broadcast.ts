/**
 * One message to everyone who listens now, by gossip: signed by its author, each once. Nothing is kept for those who are away.
 */
import { z } from 'zod';
import { AppError } from '../../shared/errors.ts';
import type { P2pNode } from '../../shared/p2p/node.ts';
import { createBuckets } from './bitchat/bucket.ts';
import { MAX_BROADCAST_BYTES, PRIORITIES, type Priority } from './limits.ts';
import type { MessageStore } from './store/message-store.ts';

const BROADCAST_TOPIC = '/aivillage/broadcast/1';
/** How long an id is remembered, and a message may be old. */
const REMEMBERED_MS = 10 * 60_000;
const CLOCK_SKEW_MS = 120_000;
const SEND_EVERY_MS = 100;
const MAX_QUEUED = 200;

const messageSchema = z.object({
  id: z.string().regex(/^[0-9a-f]{32}$/),
  from_agent: z.string().max(128),
  content: z.string().min(1).max(MAX_BROADCAST_BYTES),
  priority: z.enum(PRIORITIES),
  sent_at: z.int().min(0),
});
type Message = z.output<typeof messageSchema>;

export interface Broadcasting {
  /**
   * Puts it into the queue of this node: urgent ones leave before low ones, ten a second.
   * @returns neighbours that it was handed to @throws AppError RATE_LIMITED, INVALID_PARAMS
   */
  send(message: { id: string; fromAgent: string; content: string; priority: Priority }): Promise<number>;
  close(): void;
}

export interface BroadcastParts {
  readonly node: P2pNode;
  readonly store: MessageStore;
  /** A message was received. */
  changed(): void;
}

interface Queued {
  readonly message: Message;
  readonly sent: (neighbours: number) => void;
  readonly failed: (cause: unknown) => void;
}

export function startBroadcasting({ node, store, changed }: BroadcastParts): Broadcasting {
  const { now } = node;
  // Of one author: who sends more is not heard, but whoever passes it on is not to blame.
  const pace = createBuckets({ burst: 60, perSecond: 12, overdraft: 60 });
  const queue: Queued[] = [];
  let timer: NodeJS.Timeout | undefined;

  const topic = node.subscribe({
    name: BROADCAST_TOPIC,
    maxBytes: MAX_BROADCAST_BYTES,
    judge(data, author) {
      const message = parse(data);
      if (message === undefined) return 'breach';
      const age = now() - message.sent_at;
      if (age > REMEMBERED_MS || age < -CLOCK_SKEW_MS) return 'ignore';
      return pace.take(author, now()) < 0 ? 'ignore' : 'accept';
    },
    receive(data, author) {
      const message = parse(data);
      if (message === undefined || author === node.peerId) return;
      // The author is part of the id: nobody can use up the id of another's message.
      const id = `${author}:${message.id}`;
      const isNew = store.transaction(() => {
        if (store.isSeen(id)) return false;
        store.markSeen(id, now() + 2 * REMEMBERED_MS);
        store.receive({
          id,
          kind: 'broadcast',
          fromPeer: author,
          fromAgent: message.from_agent,
          content: message.content,
          priority: message.priority,
          sentAt: message.sent_at,
          receivedAt: now(),
        });
        return true;
      });
      if (isNew) changed();
    },
  });

  const sendNext = (): void => {
    const next = takeMostUrgent(queue);
    if (next === undefined) {
      clearInterval(timer);
      timer = undefined;
      return;
    }
    topic.publish(Buffer.from(JSON.stringify(next.message))).then(next.sent, next.failed);
  };

  return {
    send({ id, fromAgent, content, priority }) {
      if (store.isSeen(id)) return Promise.resolve(0);
      const message: Message = { id, from_agent: fromAgent, content, priority, sent_at: now() };
      if (Buffer.byteLength(JSON.stringify(message)) > MAX_BROADCAST_BYTES) {
        throw new AppError('INVALID_PARAMS', { text: `A broadcast has at most ${MAX_BROADCAST_BYTES} bytes` });
      }
      if (queue.length >= MAX_QUEUED) {
        throw new AppError('RATE_LIMITED', { text: `${MAX_QUEUED} broadcasts wait already; ten leave each second` });
      }
      store.markSeen(id, now() + REMEMBERED_MS);
      return new Promise((sent, failed) => {
        queue.push({ message, sent, failed });
        if (timer !== undefined) return;
        timer = setInterval(sendNext, SEND_EVERY_MS);
        sendNext();
      });
    },
    close() {
      clearInterval(timer);
      topic.leave();
      for (const { failed } of queue) failed(new AppError('CONNECTION_LOST'));
    },
  };
}

/** Of the same priority the oldest. */
function takeMostUrgent(queue: Queued[]): Queued | undefined {
  const rank = ({ message }: Queued) => PRIORITIES.indexOf(message.priority);
  const most = Math.max(...queue.map(rank));
  const at = queue.findIndex((queued) => rank(queued) === most);
  return at === -1 ? undefined : queue.splice(at, 1)[0];
}

function parse(data: Uint8Array): Message | undefined {
  try {
    return messageSchema.parse(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(data)));
  } catch {
    return undefined;
  }
}
