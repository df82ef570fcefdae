/** Real nodes of one process that broadcast to each other; each with a store of its own in a folder that is removed with them. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { makeMessageId } from '../../../../../servers/p2p/bitchat/bitchat.ts';
import { type Broadcasting, startBroadcasting } from '../../../../../servers/p2p/broadcast.ts';
import { type MessageStore, openMessageStore } from '../../../../../servers/p2p/store/message-store.ts';
import { makeNodeKey } from '../../../../../shared/p2p/key.ts';
import type { P2pNode } from '../../../../../shared/p2p/node.ts';
import { openNode } from '../../../../../shared/p2p/open-node.ts';
import { until } from '../../../../e2e/lib/until.ts';
import { silent } from '../../../../fixtures/p2p/own-peer.ts';

interface Listener {
  readonly node: P2pNode;
  readonly store: MessageStore;
  readonly broadcasting: Broadcasting;
}

/** What every other node heard of some broadcasts. */
export interface Heard {
  /** Milliseconds from the sending to each arrival, in order. */
  readonly delaysMs: readonly number[];
  /** Arrivals beyond one at each other node. */
  readonly doubled: number;
}

export class Broadcasters {
  private readonly listeners: Listener[] = [];
  private readonly folder = fs.mkdtempSync(path.join(os.tmpdir(), 'broadcast-'));

  /** Each is joined to two that are there already, so that no node is next to more than a few others. */
  static async start(count: number): Promise<Broadcasters> {
    const all = new Broadcasters();
    for (let n = 0; n < count; n += 1) await all.add();
    return all;
  }

  /** Until each has heard something the topic is still being joined, and what is sent is for those who are there. */
  async untilAllListen(withinMs: number): Promise<void> {
    await until(
      'everyone listens',
      async () => {
        const ready = { id: makeMessageId(), fromAgent: 'king', content: 'ready?', priority: 'low' } as const;
        await this.listeners[0]!.broadcasting.send(ready);
        return this.listeners.slice(1).every(({ store }) => store.inboxCount() > 0);
      },
      withinMs,
    );
  }

  /** Sends some broadcasts, each from another node and when all have the one before, and waits until all have all. */
  async broadcast(rounds: number, withinMs: number): Promise<Heard> {
    for (let round = 0; round < rounds; round += 1) {
      const content = `broadcast ${round}`;
      const { broadcasting } = this.listeners[round % this.listeners.length]!;
      await broadcasting.send({ id: makeMessageId(), fromAgent: 'king', content, priority: 'high' });
      const wanted = (round + 1) * (this.listeners.length - 1);
      await until('all have it', () => this.heard().flat().length >= wanted, withinMs);
    }
    const heard = this.heard();
    const doubled = heard.flatMap((messages) => {
      const contents = new Set(messages.map(({ content }) => content));
      return messages.length - contents.size;
    });
    const delaysMs = heard.flat().map(({ receivedAt, sentAt }) => receivedAt - sentAt);
    return { delaysMs: delaysMs.sort((a, b) => a - b), doubled: doubled.reduce((sum, n) => sum + n, 0) };
  }

  async close(): Promise<void> {
    for (const { node, store, broadcasting } of this.listeners) {
      broadcasting.close();
      await node.close();
      await store.close();
    }
    fs.rmSync(this.folder, { recursive: true });
  }

  private heard() {
    return this.listeners.map(({ store }) =>
      store.inbox(0, 200, 'broadcast').filter(({ content }) => content !== 'ready?'),
    );
  }

  private async add(): Promise<void> {
    const n = this.listeners.length;
    const store = await openMessageStore(path.join(this.folder, String(n)));
    const bootstrap = [n - 1, n >> 1].flatMap((other) => this.listeners[other]?.node.addresses()[0] ?? []);
    const node = await openNode({
      key: makeNodeKey(),
      listen: ['/ip4/127.0.0.1/tcp/0'],
      bootstrap,
      mdns: false,
      enoughNeighbours: 2,
      log: silent,
      now: Date.now,
    });
    this.listeners.push({ node, store, broadcasting: startBroadcasting({ node, store, changed() {} }) });
    if (n > 0) await until('it has a neighbour', () => node.peers().some(({ isConnected }) => isConnected), 30_000);
  }
}
