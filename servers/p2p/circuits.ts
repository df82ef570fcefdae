/** Circuits on the village's node: starts them, keeps what comes through them in the inbox, answers the tools. */
import { randomUUID } from 'node:crypto';
import os from 'node:os';
import type { z } from 'zod';
import type { Log } from '../../shared/log.ts';
import type { P2pNode } from '../../shared/p2p/node.ts';
import type { CircuitSettings } from '../../shared/settings.ts';
import { type CircuitMessage, DEFAULT_SETTINGS, startBetanet } from './betanet/betanet.ts';
import { realClock } from './betanet/network.ts';
import { announce, nodeNetwork } from './betanet/node-network.ts';
import { createBuckets } from './bitchat/bucket.ts';
import {
  type circuitStatusSchema,
  closeCircuit,
  listenHidden,
  MAX_CIRCUIT_CONTENT,
  openCircuit,
  sendOnCircuit,
} from './circuit-operations.ts';
import { type Served, serveOperation } from './owner/operation.ts';
import type { MessageStore } from './store/message-store.ts';

/** Senders are not known, so the bounds are for one circuit and for all of them: the inbox keeps room for others. */
const PER_CIRCUIT = { burst: 200, perSecond: 1, overdraft: 1 };
const ALL_CIRCUITS = { burst: 4_000, perSecond: 2, overdraft: 1 };
/** What one core carries, about; announced for the choice of relays. */
const CELLS_PER_CORE = 5_000;

export interface CircuitParts {
  readonly node: P2pNode;
  readonly store: MessageStore;
  readonly settings: CircuitSettings;
  readonly log: Log;
  now(): number;
  /** Something came into the inbox, or the status is another. */
  changed(): void;
}

export interface Circuits {
  readonly operations: readonly Served[];
  status(): z.input<typeof circuitStatusSchema>;
  close(): Promise<void>;
}

export async function startCircuits({ node, store, settings, log, now, changed }: CircuitParts): Promise<Circuits> {
  const { relay, mixingMs, coverPerSecond, operator } = settings;
  const perCircuit = createBuckets(PER_CIRCUIT);
  const all = createBuckets(ALL_CIRCUITS);

  const deliver = async ({ circuit_id, content, received_at }: CircuitMessage): Promise<void> => {
    const isTooMuch = perCircuit.take(circuit_id, received_at) < 0 || all.take('all', received_at) < 0;
    // What is thrown here ends the circuit: the sender hears that this message was not taken.
    if (isTooMuch || content.length > MAX_CIRCUIT_CONTENT)
      throw new Error('a circuit brought more than the inbox takes');
    store.receive({
      id: randomUUID(),
      kind: 'circuit',
      fromPeer: `circuit:${circuit_id}`,
      fromAgent: '',
      content,
      priority: 'normal',
      sentAt: received_at,
      receivedAt: received_at,
    });
    changed();
  };

  const betanet = await startBetanet({
    network: nodeNetwork(node),
    clock: realClock,
    settings: { ...DEFAULT_SETTINGS, relay, mixingMeanMs: mixingMs, coverPerSecond },
    announce: (onionKey) => {
      announce(node, { onionKey, relay, capacity: os.availableParallelism() * CELLS_PER_CORE, operator });
    },
    deliver,
    wallClock: now,
    report: (what, cause) => log.warn({ cause: String(cause) }, what),
  });

  return {
    operations: [
      serveOperation(openCircuit, async (args) => {
        const opened = await betanet.open(args);
        return { ...opened, relays: [...opened.relays] };
      }),
      serveOperation(sendOnCircuit, betanet.send),
      serveOperation(closeCircuit, betanet.close),
      serveOperation(listenHidden, betanet.listen),
    ],
    status() {
      const { relaying, ...rest } = betanet.figures();
      return {
        circuits: rest.circuits,
        carried: relaying.circuits,
        refused: relaying.refused,
        relays_known: rest.relaysKnown,
        relays_needed: rest.relaysNeeded,
        is_relay: relay,
        hidden: rest.isHidden,
        mixing_mean_ms: mixingMs,
        cover_per_second: coverPerSecond,
      };
    },
    close: betanet.stop,
  };
}
