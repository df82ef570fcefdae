/** Answers about messages in the process that owns the node: sending, reading, broadcasting, in the form that the tools show. */
import type { Bitchat } from './bitchat/bitchat.ts';
import type { Broadcasting } from './broadcast.ts';
import { PRIORITIES } from './limits.ts';
import { readInbox, sendBroadcast, sendMessage } from './operations.ts';
import { type Served, serveOperation } from './owner/operation.ts';
import type { InboxRow, SentRow } from './store/inbox.ts';
import type { MessageStore } from './store/message-store.ts';

/** How long a send waits for the recipient's answer. */
const DELIVERY_WITHIN_MS = 1_000;
const SENT_SHOWN = 50;

export interface MessageParts {
  readonly bitchat: Bitchat;
  readonly broadcasting: Broadcasting;
  readonly store: MessageStore;
  now(): number;
}

export function messageOperations({ bitchat, broadcasting, store, now }: MessageParts): readonly Served[] {
  return [
    serveOperation(sendMessage, async (message) => {
      bitchat.send(message);
      return { message_id: message.id, status: await bitchat.progress(message.id, DELIVERY_WITHIN_MS) };
    }),
    serveOperation(readInbox, async ({ after, limit, kind }) => {
      const from = after ?? store.positionBefore(limit);
      const messages = store.inbox(from, limit, kind);
      return {
        messages: messages.map(toMessage),
        next_after: messages.at(-1)?.position ?? from,
        sent: store.sent(SENT_SHOWN).map((row) => toSent(row, now())),
      };
    }),
    serveOperation(sendBroadcast, async (message) => ({
      message_id: message.id,
      neighbours: await broadcasting.send(message),
    })),
  ];
}

function toMessage({ id, kind, fromPeer, fromAgent, content, priority, sentAt, receivedAt }: InboxRow) {
  return {
    message_id: id,
    kind,
    from: fromPeer,
    from_agent: fromAgent,
    content,
    priority: PRIORITIES.find((each) => each === priority) ?? 'normal',
    sent_at: new Date(sentAt).toISOString(),
    received_at: new Date(receivedAt).toISOString(),
  };
}

function toSent({ id, toPeer, sentAt, expiresAt, deliveredAt }: SentRow, now: number) {
  const waits = expiresAt > now ? ('waiting' as const) : ('expired' as const);
  return {
    message_id: id,
    to: toPeer,
    status: deliveredAt === null ? waits : ('delivered' as const),
    sent_at: new Date(sentAt).toISOString(),
    delivered_at: deliveredAt === null ? null : new Date(deliveredAt).toISOString(),
  };
}
