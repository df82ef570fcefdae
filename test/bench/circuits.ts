/**
 * Measures circuits on one machine, in one process: bytes a second through three relays beside a plain libp2p stream in the same
 * run, and the time to the first byte. JSON out. `node test/bench/circuits.ts [--mb N] [--mixing MEAN_MS]`
 */
import { parseArgs } from 'node:util';
import { peerIdFromString } from '@libp2p/peer-id';
import { buildTo } from '../../servers/p2p/betanet/builder.ts';
import { secureUniform } from '../../servers/p2p/betanet/mixing.ts';
import { realClock } from '../../servers/p2p/betanet/network.ts';
import { know, plainNode, startLoopbackPeers } from '../integration/servers/p2p/lib/loopback-peers.ts';
import { amount } from './amount.ts';

const { values } = parseArgs({
  options: {
    mb: { type: 'string', default: String(amount(16)) },
    mixing: { type: 'string', default: '0' },
    quick: { type: 'boolean' },
  },
});
const megabytes = Number(values.mb);
const mixingMeanMs = Number(values.mixing);
const ROUNDS = amount(3);
const OPENINGS = amount(30);
const caller = 'bench';
const MESSAGE = 'x'.repeat(1_000_000);

const median = (list: readonly number[]) => list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)] ?? 0;
const round = (value: number) => Math.round(value * 100) / 100;

/** MB/s, and CPU of the whole process (every hop is in it) a megabyte. */
async function timed(work: () => Promise<void>) {
  const cpu = process.cpuUsage();
  const started = performance.now();
  await work();
  const seconds = (performance.now() - started) / 1_000;
  const used = process.cpuUsage(cpu);
  return { mbPerSecond: megabytes / seconds, cpuMsPerMb: (used.user + used.system) / 1_000 / megabytes };
}

async function plainStream(): Promise<() => Promise<void>> {
  const protocol = '/plain/1.0.0';
  const [from, to] = await Promise.all([plainNode(), plainNode()]);
  await know(from, to);
  let missing = 0;
  let arrived = () => {};
  await to.handle(protocol, (stream) => {
    stream.addEventListener('message', ({ data }) => {
      missing -= data.byteLength;
      if (missing <= 0) arrived();
    });
  });
  const stream = await from.dialProtocol(peerIdFromString(to.peerId.toString()), protocol);
  return async () => {
    missing = megabytes * 1_000_000;
    const all = new Promise<void>((resolve) => {
      arrived = resolve;
    });
    const piece = Buffer.alloc(32_768);
    for (let sent = 0; sent < megabytes * 1_000_000; sent += piece.length) {
      if (!stream.send(piece)) await stream.onDrain();
    }
    await all;
  };
}

const village = await startLoopbackPeers({ count: 5, isLogged: false, settings: { mixingMeanMs } });
try {
  const [from, , , , to] = village.peers;
  const plain = await plainStream();
  const { circuit_id } = await from!.betanet.open({ caller, to: to!.id });
  const circuit = async (): Promise<void> => {
    const lanes = Array.from({ length: 4 }, async (_, lane) => {
      for (let i = lane; i < megabytes; i += 4) await from!.betanet.send({ caller, circuit_id, content: MESSAGE });
    });
    await Promise.all(lanes);
    to!.inbox.length = 0;
  };
  // What is measured is not the first second of a fresh heap.
  await timed(circuit);
  const throughCircuit = [];
  const throughStream = [];
  for (let i = 0; i < ROUNDS; i++) {
    throughStream.push(await timed(plain));
    throughCircuit.push(await timed(circuit));
  }

  const firstByteMs: number[] = [];
  const setupMs: number[] = [];
  for (let i = 0; i < OPENINGS; i++) {
    const started = performance.now();
    const deps = { network: from!.network, clock: realClock, stepMs: 10_000, fault: () => {}, uniform: secureUniform };
    const { circuit: opened } = await buildTo(to!.id, deps);
    setupMs.push(performance.now() - started);
    const arrived = to!.inbox.length;
    const frame = Buffer.from([1, 0, 0, 0, 0, 1, 0, 0, 0, 0x78]);
    await opened.end().write(frame);
    // The acknowledgement is the first byte that comes back from the far end.
    for await (const _ of opened.end().read()) break;
    firstByteMs.push(performance.now() - started);
    if (to!.inbox.length !== arrived + 1) throw new Error('the message did not arrive');
    opened.close('closed');
  }
  process.stdout.write(
    `${JSON.stringify({
      megabytes,
      mixing_mean_ms: mixingMeanMs,
      circuit_mb_per_s: round(median(throughCircuit.map((run) => run.mbPerSecond))),
      circuit_cpu_ms_per_mb: round(median(throughCircuit.map((run) => run.cpuMsPerMb))),
      plain_mb_per_s: round(median(throughStream.map((run) => run.mbPerSecond))),
      plain_cpu_ms_per_mb: round(median(throughStream.map((run) => run.cpuMsPerMb))),
      setup_p50_ms: round(median(setupMs)),
      first_byte_p50_ms: round(median(firstByteMs)),
      first_byte_max_ms: round(Math.max(...firstByteMs)),
      goal: { circuit_mb_per_s: 5, first_byte_ms: 300 },
    })}\n`,
  );
} finally {
  await village.stop();
}
process.exit(0);
