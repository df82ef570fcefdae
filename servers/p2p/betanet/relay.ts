/**
 * A peer's part in the circuits of others, and as the far end of circuits to it: takes streams, within limits, and makes a circuit
 * of each. It opens none of its own.
 */
import { CircuitError, type DestroyReason } from './cell.ts';
import type { CircuitEnd } from './circuit-end.ts';
import type { OnionKey } from './keys.ts';
import { CircuitLimits, type LimitSettings } from './limits.ts';
import { MeetingPlace } from './meeting.ts';
import type { CircuitNetwork, Clock, LinkStream, Offence } from './network.ts';
import { RelayCircuit, type RelayCircuitDeps, type Tap } from './relay-circuit.ts';
import { ReplayFilter } from './replay-filter.ts';

export interface RelaySettings extends LimitSettings {
  /** Carries circuits of others; without it this peer is only spoken to. */
  readonly relay: boolean;
  /** 0 is none. */
  readonly mixingMeanMs: number;
  readonly idleMs: number;
}

export interface RelayDeps {
  readonly network: CircuitNetwork;
  readonly clock: Clock;
  readonly settings: RelaySettings;
  readonly key: (id: Buffer) => OnionKey | undefined;
  readonly accept: (end: CircuitEnd) => boolean;
  /** A mistake of our own, for the log. */
  readonly fault: (thrown: unknown) => void;
  readonly tap?: Tap;
}

export interface RelayFigures {
  readonly circuits: number;
  readonly refused: number;
  readonly endedBy: Readonly<Record<string, number>>;
}

const REPLAY_CAPACITY = 65_536;
const REPLAY_LIFETIME_MS = 3_600_000;

export class Relay {
  readonly #deps: RelayDeps;
  readonly #limits: CircuitLimits;
  readonly #onward: CircuitLimits;
  readonly #circuits = new Set<RelayCircuit>();
  readonly #seen = new ReplayFilter(REPLAY_CAPACITY, REPLAY_LIFETIME_MS);
  readonly #meeting = new MeetingPlace<RelayCircuit>();
  readonly #endedBy = new Map<DestroyReason, number>();
  #refused = 0;
  #unhandle: (() => Promise<void>) | undefined;

  constructor(deps: RelayDeps) {
    this.#deps = deps;
    const { settings } = deps;
    this.#limits = new CircuitLimits(settings);
    this.#onward = new CircuitLimits({
      ...settings,
      burstPerPeer: settings.burstPerPeer / 2,
      perSecondPerPeer: settings.perSecondPerPeer / 2,
    });
  }

  async start(): Promise<void> {
    this.#unhandle = await this.#deps.network.handle((stream, from) => this.#take(stream, from));
  }

  async stop(): Promise<void> {
    await this.#unhandle?.();
    for (const circuit of [...this.#circuits]) circuit.destroy('shutdown');
  }

  figures(): RelayFigures {
    return {
      circuits: this.#circuits.size,
      refused: this.#refused,
      endedBy: Object.fromEntries([...this.#endedBy].sort(([a], [b]) => a.localeCompare(b))),
    };
  }

  #take(stream: LinkStream, from: string): void {
    const { network, clock, settings, key, accept, fault, tap } = this.#deps;
    const admission = this.#limits.admit(from, clock.now());
    if (admission !== 'admitted') {
      this.#refused += 1;
      // Circuits that are open may be those of many; new ones faster than any relay needs are not.
      if (admission === 'too fast') this.#offended(from, 'flood');
      stream.abort();
      return;
    }
    const deps: RelayCircuitDeps = {
      self: network.self,
      clock,
      mixingMeanMs: settings.mixingMeanMs,
      idleMs: settings.idleMs,
      meeting: this.#meeting,
      key,
      isNew: (clientKey) => this.#seen.admit(clientKey, clock.now()),
      open: (peer, signal) => this.#goOn(peer, signal),
      relays: () => settings.relay,
      accept,
      fault,
      offended: (peer, offence) => this.#offended(peer, offence),
      ended: (circuit, reason) => {
        this.#circuits.delete(circuit);
        this.#limits.release(from);
        this.#endedBy.set(reason, (this.#endedBy.get(reason) ?? 0) + 1);
      },
      ...(tap === undefined ? {} : { tap }),
    };
    this.#circuits.add(new RelayCircuit(stream, from, deps));
  }

  /** Slower than what any peer takes from us, so that nobody can make us look like one who floods. */
  async #goOn(peer: string, signal: AbortSignal): Promise<LinkStream> {
    const admission = this.#onward.admit(peer, this.#deps.clock.now());
    if (admission !== 'admitted') throw new CircuitError('limits', `circuits to that peer are ${admission}`);
    this.#onward.release(peer);
    return await this.#deps.network.open(peer, signal);
  }

  #offended(peer: string, offence: Offence): void {
    this.#limits.offended(peer, offence, this.#deps.clock.now());
    this.#deps.network.offended(peer, offence);
  }
}
