/**
 * The circuits of this village's node as its tools see them: open, send, close, listen, status, each one JSON value in and one out, so
 * that another process can ask for them. It owns the open circuits; relay.ts owns those of others.
 */
import { randomUUID } from 'node:crypto';
import { AppError } from '../../../shared/errors.ts';
import { type BuilderDeps, type Built, buildTo, buildToHidden } from './builder.ts';
import { CircuitError } from './cell.ts';
import type { CircuitEnd } from './circuit-end.ts';
import { HiddenEndpoint } from './hidden.ts';
import { readHiddenAddress } from './meeting.ts';
import { MAX_MESSAGE_BYTES, MessageEnd } from './messages.ts';
import { exponential, secureUniform, type Uniform } from './mixing.ts';
import type { CircuitNetwork, Clock } from './network.ts';
import { RELAYS } from './onion.ts';
import { OnionKeys } from './onion-keys.ts';
import { Relay, type RelayFigures, type RelaySettings } from './relay.ts';
import type { Tap } from './relay-circuit.ts';

export interface BetanetSettings extends RelaySettings {
  /** Cells of cover each second on each circuit of ours, on average; 0 is none. */
  readonly coverPerSecond: number;
  /** Circuits that are open here at once, ours and those to us. */
  readonly openCircuits: number;
}

export const DEFAULT_SETTINGS: BetanetSettings = {
  relay: true,
  mixingMeanMs: 0,
  coverPerSecond: 0,
  idleMs: 600_000,
  circuits: 1_024,
  circuitsPerPeer: 256,
  burstPerPeer: 128,
  perSecondPerPeer: 32,
  openCircuits: 256,
};

/** A message that came through a circuit. Nothing says who sent it but the message itself. */
export interface CircuitMessage {
  readonly circuit_id: string;
  readonly content: string;
  /** Milliseconds since the epoch. */
  readonly received_at: number;
}

export interface BetanetDeps {
  readonly network: CircuitNetwork;
  readonly clock: Clock;
  readonly settings: BetanetSettings;
  /** Announces this peer's key, at start and after each change. */
  readonly announce: (onionKey: Buffer) => void;
  /** Keeps a message; it is acknowledged when that resolves. */
  readonly deliver: (message: CircuitMessage) => Promise<void>;
  /** Milliseconds since the epoch. */
  readonly wallClock: () => number;
  /** What is worth a line in the log; never who speaks to whom. */
  readonly report: (what: string, cause: unknown) => void;
  readonly uniform?: Uniform;
  readonly tap?: Tap;
}

/** Whose circuit it is: nobody else can use or close it. */
interface OfCaller {
  readonly caller: string;
}

export interface OpenedCircuit {
  readonly circuit_id: string;
  readonly status: 'open';
  readonly relays: readonly string[];
  readonly diversity: Built['diversity'];
  readonly setup_ms: number;
  readonly idle_seconds: number;
}

export interface CircuitView {
  readonly circuit_id: string;
  readonly direction: 'outgoing' | 'incoming';
  readonly messages_sent: number;
  readonly messages_received: number;
  readonly bytes_sent: number;
  readonly bytes_received: number;
}

export interface BetanetFigures {
  readonly circuits: number;
  readonly relaysKnown: number;
  readonly relaysNeeded: number;
  readonly isHidden: boolean;
  readonly relaying: RelayFigures;
}

export interface BetanetStatus {
  readonly circuits: readonly CircuitView[];
  readonly relays_known: number;
  readonly relays_needed: number;
  readonly listening: string | null;
  readonly relaying: RelayFigures;
  readonly mixing_mean_ms: number;
  readonly cover_per_second: number;
}

export interface Betanet {
  /** @throws AppError CONNECTION_FAILED, RATE_LIMITED */
  open(args: OfCaller & { readonly to: string }): Promise<OpenedCircuit>;
  /** @throws AppError CONNECTION_LOST, UNKNOWN_NAME, INVALID_PARAMS */
  send(args: OfCaller & { readonly circuit_id: string; readonly content: string }): Promise<{
    readonly status: 'delivered';
    readonly bytes: number;
    readonly acknowledged_ms: number;
  }>;
  close(args: OfCaller & { readonly circuit_id: string }): Promise<CircuitView & { readonly status: 'closed' }>;
  /** Shows or takes away a hidden address of this node. */
  listen(args: { readonly enabled: boolean }): Promise<{ readonly address: string | null }>;
  status(args: OfCaller): Promise<BetanetStatus>;
  /** Of all callers together, without saying whose. */
  figures(): BetanetFigures;
  stop(): Promise<void>;
}

interface Held {
  readonly id: string;
  /** Undefined for one that another opened to us: anyone who may send may answer. */
  readonly caller: string | undefined;
  readonly end: CircuitEnd;
  readonly messages: MessageEnd;
  activeAt: number;
  stopCover: () => void;
}

const STEP_MS = 10_000;
const SWEEP_MS = 10_000;

/** @throws what the network throws when its protocol cannot be handled */
export async function startBetanet(deps: BetanetDeps): Promise<Betanet> {
  const { network, clock, settings, uniform = secureUniform } = deps;
  const keys = new OnionKeys(clock.now());
  const held = new Map<string, Held>();
  let hidden: HiddenEndpoint | undefined;
  let listening: Promise<{ readonly address: string | null }> = Promise.resolve({ address: null });
  let stopped = false;
  let cancelSweep = () => {};

  const fault = (thrown: unknown) => deps.report('a circuit ended by a mistake of ours', thrown);
  const builder: BuilderDeps = { network, clock, stepMs: STEP_MS + 8 * settings.mixingMeanMs, fault, uniform };
  const relay = new Relay({
    network,
    clock,
    settings,
    key: (id) => keys.find(id),
    accept: (end) => {
      if (stopped || !hasRoomForOthers()) return false;
      hold(end, undefined);
      return true;
    },
    fault,
    ...(deps.tap === undefined ? {} : { tap: deps.tap }),
  });

  /** Others fill at most half of the places, so that they cannot keep us from opening circuits of our own. */
  const hasRoomForOthers = (): boolean => {
    const incoming = [...held.values()].filter(({ caller }) => caller === undefined).length;
    return incoming < settings.openCircuits / 2 && held.size < settings.openCircuits;
  };

  const hold = (end: CircuitEnd, caller: string | undefined): Held => {
    const id = randomUUID();
    const messages = new MessageEnd(end, async (bytes) => {
      circuit.activeAt = clock.now();
      const content = decodeText(bytes);
      await deps.deliver({ circuit_id: id, content, received_at: deps.wallClock() });
    });
    const circuit: Held = { id, caller, end, messages, activeAt: clock.now(), stopCover: () => {} };
    held.set(id, circuit);
    if (settings.coverPerSecond > 0) coverAgain(circuit);
    void end.closed.then(() => {
      circuit.stopCover();
      held.delete(id);
    });
    return circuit;
  };

  const coverAgain = (circuit: Held): void => {
    circuit.stopCover = clock.after(exponential(1_000 / settings.coverPerSecond, uniform), () => {
      circuit.end.cover();
      coverAgain(circuit);
    });
  };

  /** Another's circuit and none are the same answer. */
  const find = (caller: string, id: string): Held => {
    const circuit = held.get(id);
    if (circuit !== undefined && (circuit.caller === undefined || circuit.caller === caller)) return circuit;
    throw new AppError('UNKNOWN_NAME', {
      text: 'No such circuit is open: it was closed, was idle too long, or a relay of it went. Open another one.',
    });
  };

  const relaysKnown = () => network.peers().filter((peer) => peer.relay && peer.peer !== network.self).length;

  const sweep = (): void => {
    const now = clock.now();
    if (keys.turn(now)) deps.announce(keys.current.publicKey);
    for (const circuit of held.values()) if (now - circuit.activeAt >= settings.idleMs) circuit.end.close('idle');
    cancelSweep = clock.after(SWEEP_MS, sweep);
  };

  const listen = async (enabled: boolean): Promise<{ readonly address: string | null }> => {
    if (enabled && hidden === undefined) {
      hidden = await HiddenEndpoint.open({
        ...builder,
        keepAliveMs: settings.idleMs / 3,
        joined: (end) => {
          if (hasRoomForOthers()) hold(end, undefined);
          else end.close('limits');
        },
        failed: (cause) => deps.report('a hidden address could not be kept reachable; it is tried again', cause),
      });
      if (hidden === undefined)
        throw new AppError('CONNECTION_FAILED', { text: 'No relay is known here to be met at.' });
    } else if (!enabled) {
      hidden?.stop();
      hidden = undefined;
    }
    return { address: hidden?.address ?? null };
  };

  await relay.start();
  deps.announce(keys.current.publicKey);
  sweep();

  return {
    async open({ caller, to }) {
      if (held.size >= settings.openCircuits) {
        throw new AppError('RATE_LIMITED', {
          text: `${settings.openCircuits} circuits are open here: close some first.`,
        });
      }
      const started = clock.now();
      const address = readHiddenAddress(to);
      const built = address === undefined ? await buildTo(to, builder) : await buildToHidden(address, builder);
      const { id } = hold(built.circuit.end(), caller);
      return {
        circuit_id: id,
        status: 'open',
        relays: built.relays,
        diversity: built.diversity,
        setup_ms: Math.round(clock.now() - started),
        idle_seconds: Math.round(settings.idleMs / 1_000),
      };
    },
    async send({ caller, circuit_id, content }) {
      const circuit = find(caller, circuit_id);
      const bytes = Buffer.from(content);
      if (bytes.length > MAX_MESSAGE_BYTES) {
        throw new AppError('INVALID_PARAMS', { text: `A message has at most ${MAX_MESSAGE_BYTES} bytes.` });
      }
      const started = clock.now();
      circuit.activeAt = started;
      try {
        await circuit.messages.send(bytes);
      } catch (error) {
        if (!(error instanceof CircuitError)) throw error;
        const text =
          'The circuit ended before the message was acknowledged: it may have arrived or not. Open another one.';
        throw new AppError('CONNECTION_LOST', { text, data: { ended: error.reason }, cause: error });
      }
      return { status: 'delivered', bytes: bytes.length, acknowledged_ms: Math.round(clock.now() - started) };
    },
    async close({ caller, circuit_id }) {
      const circuit = find(caller, circuit_id);
      circuit.end.close('closed');
      return { ...view(circuit), status: 'closed' };
    },
    listen({ enabled }) {
      listening = listening.catch(() => undefined).then(() => listen(enabled));
      return listening;
    },
    async status({ caller }) {
      const mine = [...held.values()].filter((circuit) => circuit.caller === undefined || circuit.caller === caller);
      return {
        circuits: mine.map(view),
        relays_known: relaysKnown(),
        relays_needed: RELAYS,
        listening: hidden?.address ?? null,
        relaying: relay.figures(),
        mixing_mean_ms: settings.mixingMeanMs,
        cover_per_second: settings.coverPerSecond,
      };
    },
    figures: () => ({
      circuits: held.size,
      relaysKnown: relaysKnown(),
      relaysNeeded: RELAYS,
      isHidden: hidden !== undefined,
      relaying: relay.figures(),
    }),
    async stop() {
      stopped = true;
      cancelSweep();
      hidden?.stop();
      for (const circuit of held.values()) circuit.end.close('shutdown');
      await relay.stop();
    },
  };
}

function view({ id, caller, end, messages }: Held): CircuitView {
  return {
    circuit_id: id,
    direction: caller === undefined ? 'incoming' : 'outgoing',
    messages_sent: messages.sent,
    messages_received: messages.received,
    bytes_sent: end.sentBytes,
    bytes_received: end.receivedBytes,
  };
}

/** @throws CircuitError `protocol`: messages are text */
function decodeText(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new CircuitError('protocol', 'a message is not UTF-8');
  }
}
