import { describe, expect, it } from 'vitest';
import { open, seal } from '../../../../servers/fog/link/envelope.ts';
import { greet, type Link, welcome } from '../../../../servers/fog/link/link.ts';
import { type FromNode, type FromServer, fromNode, fromServer } from '../../../../servers/fog/link/messages.ts';
import { makeNodeKey } from '../../../../shared/p2p/key.ts';
import { type Pipe, pipe } from '../../../fixtures/fog/frames.ts';

const node = makeNodeKey();
const server = makeNodeKey();
const stranger = makeNodeKey();

interface Ends {
  readonly ofNode: Link<FromNode, FromServer>;
  readonly ofServer: Link<FromServer, FromNode>;
}

async function link({ near, far }: Pipe, nodeKey = node, expectedServer = server.peerId): Promise<Ends> {
  const [ofServer, ofNode] = await Promise.all([
    welcome<FromServer, FromNode>({ frames: far, signer: server, remotePeerId: node.peerId, incoming: fromNode }),
    greet<FromNode, FromServer>({ frames: near, signer: nodeKey, remotePeerId: expectedServer, incoming: fromServer }),
  ]);
  return { ofNode, ofServer };
}

const LEAVE = { type: 'leave' } as const;
const FINISHED = {
  type: 'finished',
  work_id: 'w',
  fence: 1,
  cpu_ms: 1,
  mb_ms: 1,
  outcome: 'succeeded',
  detail: '',
  stdout: '',
  stderr: '',
  is_truncated: false,
} as const;
const STARTED = { type: 'started', work_id: 'w', fence: 1 } as const;

/** What was said in one turn has left by the next. */
const nextTurn = () => new Promise((resolve) => setImmediate(resolve));

async function take(count: number, from: Link<FromServer, FromNode>): Promise<FromNode[]> {
  const taken: FromNode[] = [];
  for await (const message of from.messages()) {
    taken.push(message);
    if (taken.length === count) break;
  }
  return taken;
}

describe('a link', () => {
  it('[F1] carries messages both ways in order', async () => {
    const { ofNode, ofServer } = await link(pipe());
    ofNode.send(STARTED);
    ofNode.send(LEAVE);
    ofServer.send({ type: 'refused', why: 'no' });
    expect(await take(2, ofServer)).toEqual([STARTED, LEAVE]);
    const { value } = await ofNode.messages()[Symbol.asyncIterator]().next();
    expect(value).toEqual({ type: 'refused', why: 'no' });
  });

  it('[F1] puts what is said in one turn in one envelope, and a long message in one of its own', async () => {
    const wire = pipe();
    const { ofNode, ofServer } = await link(wire);
    const before = wire.sent.length;
    const long = { ...FINISHED, stdout: 'x'.repeat(300_000) };
    for (const message of [STARTED, long, STARTED, LEAVE]) ofNode.send(message);
    expect(await take(4, ofServer)).toEqual([STARTED, long, STARTED, LEAVE]);
    expect(wire.sent.length - before).toBe(3);
  });

  it('[F1] sends what was said before it closes', async () => {
    const { ofNode, ofServer } = await link(pipe());
    ofNode.send(LEAVE);
    await ofNode.close();
    expect(await take(1, ofServer)).toEqual([LEAVE]);
  });

  it('[F1] ends at a message that was said before in this session', async () => {
    const wire = pipe();
    const { ofNode, ofServer } = await link(wire);
    ofNode.send(STARTED);
    await nextTurn();
    wire.inject(wire.sent.at(-1)!);
    await expect(take(2, ofServer)).rejects.toThrow('expected message 2, got 1');
  });

  it('[F1] ends at a message of another session, also when it would be its turn', async () => {
    const first = pipe();
    const recorded = await link(first);
    recorded.ofNode.send(LEAVE);
    await nextTurn();
    const second = pipe();
    const { ofServer } = await link(second);
    second.inject(first.sent.at(-1)!);
    await expect(take(1, ofServer)).rejects.toThrow('expected a signature');
  });

  it('[F1] does nothing for a greeting that was recorded: who plays it back cannot go on', async () => {
    const first = pipe();
    const recorded = await link(first);
    recorded.ofNode.send(LEAVE);
    await nextTurn();
    const again = pipe();
    again.inject(first.sent[0]!);
    const ofServer = await welcome<FromServer, FromNode>({
      frames: again.far,
      signer: server,
      remotePeerId: node.peerId,
      incoming: fromNode,
    });
    again.inject(first.sent[1]!);
    await expect(take(1, ofServer)).rejects.toThrow('expected a signature');
  });

  it('[F1] ends at a message that was changed, or lost, on the way', async () => {
    const changed = await link(
      pipe((frame, index) => (index === 1 ? Buffer.from(frame).fill('7', frame.length - 2) : frame)),
    );
    changed.ofNode.send(STARTED);
    await expect(take(1, changed.ofServer)).rejects.toThrow('expected a signature');
    const lost = await link(pipe((frame, index) => (index === 1 ? undefined : frame)));
    lost.ofNode.send(STARTED);
    await nextTurn();
    lost.ofNode.send(LEAVE);
    await expect(take(1, lost.ofServer)).rejects.toThrow('expected message 1, got 2');
  });

  it('[F1] is refused to who signs with another key, on either side', async () => {
    const { far, near } = pipe();
    const asServer = welcome<FromServer, FromNode>({
      frames: far,
      signer: server,
      remotePeerId: node.peerId,
      incoming: fromNode,
    });
    const asNode = greet<FromNode, FromServer>({
      frames: near,
      signer: stranger,
      remotePeerId: server.peerId,
      incoming: fromServer,
    });
    await expect(asServer).rejects.toThrow('expected a signature');
    near.abort(new Error('over'));
    await expect(asNode).rejects.toThrow();

    const impostor = pipe();
    const greeting = greet<FromNode, FromServer>({
      frames: impostor.near,
      signer: node,
      remotePeerId: server.peerId,
      incoming: fromServer,
    });
    await impostor.far.read();
    const answer = JSON.stringify({ welcome: 'A'.repeat(43), hello: 'A'.repeat(43) });
    const address = { from: stranger.peerId, to: node.peerId, session: '', sequence: 0 };
    await impostor.far.write(seal(stranger, address, answer));
    await expect(greeting).rejects.toThrow('expected a signature');
  });

  it('[F1] ends at a message that no version 1 knows', async () => {
    const { ofNode, ofServer } = await link(pipe());
    ofNode.send({ ...STARTED, fence: -1 });
    await expect(take(1, ofServer)).rejects.toThrow('expected messages of this version');
  });
});

describe('an envelope', () => {
  const address = { from: node.peerId, to: server.peerId, session: 's', sequence: 3 };

  it.each([
    ['another sender', { from: stranger.peerId }],
    ['another receiver', { to: stranger.peerId }],
    ['another session', { session: 't' }],
    ['another number', { sequence: 4 }],
  ])('[F1] opens for nothing but what it was sealed for: not for %s', (_, other) => {
    const frame = seal(node, address, '{}');
    expect(open(frame, address)).toBe('{}');
    expect(() => open(frame, { ...address, ...other })).toThrow('expected');
  });

  it.each(['', '\n', '{}\n{}', 'x'.repeat(1_000), '{"v":2,"sequence":3,"signature":""}\n{}'])(
    '[F1] refuses %j',
    (text) => {
      expect(() => open(Buffer.from(text), address)).toThrow('expected');
    },
  );
});
