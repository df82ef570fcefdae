import { afterEach, describe, expect, it } from 'vitest';
import { greet, type Link, welcome } from '../../../../servers/fog/link/link.ts';
import {
  type FromNode,
  type FromServer,
  fromNode,
  fromServer,
  type RunOrder,
} from '../../../../servers/fog/link/messages.ts';
import { type NodeAgent, startNodeAgent } from '../../../../servers/fog/node/agent.ts';
import { openRunner } from '../../../../servers/fog/node/runner-client.ts';
import { type FogRules, NO_FOG_RULES, type Program } from '../../../../shared/fog-rules.ts';
import type { Log } from '../../../../shared/log.ts';
import { makeNodeKey } from '../../../../shared/p2p/key.ts';
import { pipe } from '../../../fixtures/fog/frames.ts';

const silent: Log = { debug() {}, info() {}, warn() {}, error() {} };
const SH: Program = { command: 'sh', args: ['-c'], sandbox: true, network: false, readable: [], health: 'alive' };
const RULES: FogRules = { ...NO_FOG_RULES, commands: new Map([['sh', SH]]) };
const CALM = { beat_every_ms: 50, orphan_after_ms: 60_000 };

interface Server {
  /** The link of now. */
  link: Link<FromServer, FromNode>;
  readonly heard: FromNode[];
  next<T extends FromNode['type']>(type: T): Promise<Extract<FromNode, { type: T }>>;
  /** Cuts the link; the node comes back by itself. */
  cut(): void;
}

let agent: NodeAgent | undefined;
afterEach(async () => {
  await agent?.close();
  agent = undefined;
});

/** A server's side of the protocol that a test plays by hand. @param answer to each join */
async function start(answer: Partial<FromServer & { type: 'joined' }> = {}): Promise<Server> {
  const [serverKey, nodeKey] = [makeNodeKey(), makeNodeKey()];
  const heard: FromNode[] = [];
  const waiting: { type: string; resolve: (message: FromNode) => void }[] = [];
  let link: Link<FromServer, FromNode> | undefined;

  const listen = async (of: Link<FromServer, FromNode>): Promise<void> => {
    for await (const message of of.messages()) {
      heard.push(message);
      if (message.type === 'join') of.send({ type: 'joined', ...CALM, drop: [], peers: [], ...answer });
      const at = waiting.findIndex(({ type }) => type === message.type);
      if (at >= 0) waiting.splice(at, 1)[0]!.resolve(message);
    }
  };
  agent = startNodeAgent({
    offering: { agent: 'bob', cpuCores: 1, memoryGb: 1, gpu: false, priceMicro: 0 },
    rules: () => RULES,
    runner: await openRunner(silent),
    busy: async () => ({ load: 0, memoryFreeGb: 1 }),
    async dial() {
      const { near, far } = pipe();
      const [ofServer, ofNode] = await Promise.all([
        welcome<FromServer, FromNode>({
          frames: far,
          signer: serverKey,
          remotePeerId: nodeKey.peerId,
          incoming: fromNode,
        }),
        greet<FromNode, FromServer>({
          frames: near,
          signer: nodeKey,
          remotePeerId: serverKey.peerId,
          incoming: fromServer,
        }),
      ]);
      link = ofServer;
      void listen(ofServer);
      return ofNode;
    },
    onPeers: () => undefined,
    log: silent,
  });
  await agent.joined;
  return {
    get link() {
      return link!;
    },
    heard,
    next: (type) =>
      new Promise((resolve) => {
        waiting.push({ type, resolve: resolve as (message: FromNode) => void });
      }),
    cut: () => link?.abort('cut'),
  };
}

function order(script: string, fence = 1, program = 'command:sh'): RunOrder {
  return {
    type: 'run',
    work_id: 'w',
    fence,
    kind: 'job',
    program,
    args: [script],
    label: 'w',
    cpu_cores: 1,
    memory_gb: 0.1,
    gpu: false,
    wall_seconds: 20,
  };
}

describe('a node', () => {
  it('[F1] offers what its own configuration allows', async () => {
    const server = await start();
    expect(server.heard[0]).toMatchObject({ type: 'join', agent: 'bob', programs: ['command:sh'], runs: [] });
  });

  it('[F3] runs what it is given once, however often it is told', async () => {
    const server = await start();
    const finished = server.next('finished');
    server.link.send(order('echo once'));
    server.link.send(order('echo twice'));
    expect(await finished).toMatchObject({ fence: 1, outcome: 'succeeded', stdout: 'once\n' });
    expect(server.heard.filter(({ type }) => type === 'started')).toHaveLength(1);
  });

  it.each(['command:rm', 'agent:magi'])('[F1] does not run %s, whatever the server says', async (program) => {
    const server = await start();
    const finished = server.next('finished');
    server.link.send(order('echo no', 1, program));
    expect(await finished).toMatchObject({
      outcome: 'failed',
      detail: expect.stringContaining('does not allow'),
      stdout: '',
    });
  });

  it('[F3] tells a result again after a cut, until it is taken', async () => {
    const server = await start();
    const finished = server.next('finished');
    server.link.send(order('echo kept'));
    await finished;
    const [joined, again] = [server.next('join'), server.next('finished')];
    server.cut();
    expect((await joined).runs).toEqual([{ work_id: 'w', fence: 1 }]);
    expect(await again).toMatchObject({ stdout: 'kept\n' });
    server.link.send({ type: 'taken', work_id: 'w', fence: 1, counted: true });
    const last = server.next('join');
    // The first may have been on its way before the node heard.
    await server.next('beat');
    await server.next('beat');
    server.cut();
    expect((await last).runs).toEqual([]);
  });

  it('[F3] ends what others have by now, and says nothing more of it', async () => {
    const server = await start();
    server.link.send(order('sleep 30'));
    await server.next('started');
    const { number } = await server.next('beat');
    server.link.send({ type: 'beaten', number, drop: [{ work_id: 'w', fence: 1 }] });
    const after = await server.next('beat');
    expect(after.runs).toEqual([]);
    const finished = server.next('finished');
    server.link.send(order('echo anew', 2));
    expect(await finished).toMatchObject({ fence: 2, stdout: 'anew\n' });
  });

  it('[F3] ends its work by itself when it heard nothing for too long', async () => {
    const server = await start({ orphan_after_ms: 600 });
    server.link.send(order('sleep 30'));
    // The server never answers a beat.
    expect(await server.next('finished')).toMatchObject({ outcome: 'lost', detail: 'its node lost the server' });
  });
});
