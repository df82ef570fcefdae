/**
 * A receiver that shows nobody where it is: keeps circuits waiting at a meeting point under a key of its own, and hands over each one
 * that somebody was joined to. The address lasts as long as this object.
 */

import { type BuilderDeps, buildTo } from './builder.ts';
import type { CircuitEnd } from './circuit-end.ts';
import type { ClientCircuit } from './client-circuit.ts';
import { newOnionKey } from './keys.ts';
import { formatHiddenAddress } from './meeting.ts';
import { choosePath } from './path.ts';
import { ReplayFilter } from './replay-filter.ts';

/** So that the next one finds a circuit while another is being opened. */
const WAITING = 2;
const RETRY_MS = 1_000;
const LONGEST_RETRY_MS = 60_000;
const REPLAY_CAPACITY = 16_384;
const REPLAY_LIFETIME_MS = 3_600_000;

export interface HiddenDeps extends BuilderDeps {
  /** A waiting circuit says so much every now and then, or the relays take it for idle. */
  readonly keepAliveMs: number;
  readonly joined: (end: CircuitEnd) => void;
  /** Nothing waits at present, and why. */
  readonly failed: (cause: unknown) => void;
}

export class HiddenEndpoint {
  readonly address: string;
  readonly #deps: HiddenDeps;
  readonly #meetingPeer: string;
  readonly #service = newOnionKey();
  readonly #seen = new ReplayFilter(REPLAY_CAPACITY, REPLAY_LIFETIME_MS);
  readonly #waiting = new Set<ClientCircuit>();
  readonly #cancels = new Set<() => void>();
  #stopped = false;

  private constructor(meetingPeer: string, deps: HiddenDeps) {
    this.#deps = deps;
    this.#meetingPeer = meetingPeer;
    this.address = formatHiddenAddress({ serviceKey: this.#service.publicKey, meetingPeer });
  }

  /** Undefined when no relay is known. @throws AppError when no circuit to a meeting point can be opened */
  static async open(deps: HiddenDeps): Promise<HiddenEndpoint | undefined> {
    const { network, uniform } = deps;
    const wish = { count: 1, exclude: new Set([network.self]) };
    const meeting = choosePath(network.peers(), wish, uniform)?.relays[0];
    if (meeting === undefined) return undefined;
    const endpoint = new HiddenEndpoint(meeting.peer, deps);
    await endpoint.#wait();
    for (let more = 1; more < WAITING; more++) endpoint.#keepWaiting(RETRY_MS);
    return endpoint;
  }

  /** Circuits that wait now. */
  get waiting(): number {
    return this.#waiting.size;
  }

  stop(): void {
    this.#stopped = true;
    for (const cancel of this.#cancels) cancel();
    for (const circuit of this.#waiting) circuit.close('closed');
  }

  async #wait(): Promise<void> {
    const { circuit } = await buildTo(this.#meetingPeer, this.#deps);
    const { clock, keepAliveMs } = this.#deps;
    const isNew = (clientKey: Buffer) => this.#seen.admit(clientKey, clock.now());
    const { joined } = await circuit.waitAs(this.#service, isNew).catch((error: unknown) => {
      circuit.close('closed');
      throw error;
    });
    if (this.#stopped) {
      circuit.close('closed');
      return;
    }
    this.#waiting.add(circuit);
    const cancel = this.#every(keepAliveMs, () => circuit.keepAlive());
    joined.then(
      (end) => {
        this.#left(circuit, cancel, RETRY_MS / 10);
        this.#deps.joined(end);
      },
      () => this.#left(circuit, cancel, RETRY_MS),
    );
  }

  #left(circuit: ClientCircuit, cancel: () => void, delayMs: number): void {
    cancel();
    this.#waiting.delete(circuit);
    this.#keepWaiting(delayMs);
  }

  /** Another one, in the place of one that is gone; tried until it waits. */
  #keepWaiting(delayMs: number): void {
    if (this.#stopped) return;
    this.#later(delayMs, () => {
      this.#wait().catch((error: unknown) => {
        if (this.#stopped) return;
        this.#deps.failed(error);
        this.#keepWaiting(Math.min(Math.max(delayMs, RETRY_MS) * 2, LONGEST_RETRY_MS));
      });
    });
  }

  #later(delayMs: number, work: () => void): void {
    const cancel = this.#deps.clock.after(delayMs, () => {
      this.#cancels.delete(cancel);
      work();
    });
    this.#cancels.add(cancel);
  }

  #every(ms: number, work: () => void): () => void {
    let cancel = () => {};
    const next = () => {
      this.#cancels.delete(cancel);
      cancel = this.#deps.clock.after(ms, () => {
        work();
        next();
      });
      this.#cancels.add(cancel);
    };
    next();
    return () => {
      cancel();
      this.#cancels.delete(cancel);
    };
  }
}
