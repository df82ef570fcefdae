/**
 * A circuit from the side of the one who opens it: the handshakes hop by hop, then one end of it. It takes the path as it is given;
 * who is in it is path.ts's to choose.
 */
import { type Cell, CircuitError, type DestroyReason, destroyReason } from './cell.ts';
import { CircuitEnd, type EndCommand } from './circuit-end.ts';
import { answerHandshake, type ClientHandshake, type OnionKey, onionKeyId, startHandshake } from './keys.ts';
import { Link } from './link.ts';
import { registerProof, serviceName } from './meeting.ts';
import type { CircuitNetwork, Clock } from './network.ts';
import { type CommandName, MAX_DEPTH, Onion, payloadBytes } from './onion.ts';
import { encodeCreate, encodeExtend, encodeJoin, encodeRegister, readAnswer, readCreated } from './wire.ts';

export interface Hop {
  readonly peer: string;
  readonly onionKey: Uint8Array;
}

export interface ClientDeps {
  readonly network: CircuitNetwork;
  readonly clock: Clock;
  /** For each step of the building. */
  readonly stepMs: number;
  readonly fault: (thrown: unknown) => void;
}

/** A circuit could not be built; `hop` is the one that could not be reached or refused, counted from 1. */
export class BuildError extends CircuitError {
  readonly hop: number;

  constructor(hop: number, reason: DestroyReason) {
    super(reason, `hop ${hop} could not be added: ${reason}`);
    this.hop = hop;
  }
}

interface Answer {
  readonly command: CommandName;
  readonly payload: Buffer;
}

/** @throws BuildError; nothing is left open then */
export async function openCircuit(hops: readonly Hop[], deps: ClientDeps): Promise<ClientCircuit> {
  const [first, ...more] = hops;
  if (first === undefined) throw new RangeError('a circuit has at least one hop');
  const circuit = await ClientCircuit.start(first, deps);
  try {
    for (const hop of more) await circuit.extend(hop);
    return circuit;
  } catch (error) {
    circuit.close('closed');
    throw error;
  }
}

export class ClientCircuit {
  readonly #deps: ClientDeps;
  readonly #onion = new Onion();
  #link: Link | undefined;
  #created: ((answer: Buffer) => void) | undefined;
  #answered: ((answer: Answer) => void) | undefined;
  /** Set while it waits for somebody to be joined to it: then there is no far end yet. */
  #introduced: ((clientKey: Buffer) => void) | undefined;
  #binding: Buffer = Buffer.alloc(0);
  #lastHop: Hop;
  #end: CircuitEnd | undefined;
  readonly #over = Promise.withResolvers<DestroyReason>();

  private constructor(first: Hop, deps: ClientDeps) {
    this.#deps = deps;
    this.#lastHop = first;
  }

  static async start(first: Hop, deps: ClientDeps): Promise<ClientCircuit> {
    const circuit = new ClientCircuit(first, deps);
    const signal = new AbortController();
    const cancel = deps.clock.after(deps.stepMs, () => signal.abort());
    try {
      const stream = await deps.network.open(first.peer, signal.signal).catch(() => {
        throw new BuildError(1, 'unreachable');
      });
      circuit.#link = new Link(stream, deps.clock, {
        cell: (cell) => circuit.#cell(cell),
        ended: (reason, _, fault) => {
          if (fault !== undefined) deps.fault(fault);
          circuit.#ended(reason);
        },
      });
      const handshake = startHandshake({ name: first.peer, onionKey: first.onionKey, depth: 1 });
      const created = new Promise<void>((resolve, reject) => {
        circuit.#created = (answer) => circuit.#try(1, () => resolve(circuit.#add(handshake, answer)), reject);
      });
      circuit.#link.send(encodeCreate({ depth: 1, keyId: onionKeyId(first.onionKey), clientKey: handshake.publicKey }));
      await circuit.#inTime(created, 1);
      return circuit;
    } catch (error) {
      circuit.close('closed');
      throw error;
    } finally {
      cancel();
    }
  }

  /** Resolves, with the reason, when it is no more. */
  get closed(): Promise<DestroyReason> {
    return this.#over.promise;
  }

  async extend(hop: Hop): Promise<void> {
    const depth = this.#onion.depth + 1;
    const handshake = startHandshake({ name: hop.peer, onionKey: hop.onionKey, depth });
    const keyId = onionKeyId(hop.onionKey);
    const payload = encodeExtend({ peer: hop.peer, keyId, clientKey: handshake.publicKey });
    await this.#ask('extend', payload, 'extended', (answer) => this.#add(handshake, readAnswer(answer)));
    this.#lastHop = hop;
  }

  /** From the last hop, a meeting point, to the hidden receiver that waits there under this key. */
  async join(serviceKey: Buffer): Promise<void> {
    const handshake = startHandshake({ name: serviceName(serviceKey), onionKey: serviceKey, depth: MAX_DEPTH });
    const payload = encodeJoin({ serviceKey, clientKey: handshake.publicKey });
    await this.#ask('join', payload, 'extended', (answer) => this.#add(handshake, readAnswer(answer)));
  }

  /**
   * Waits at the last hop under the service's key. @returns the end, once somebody was joined to this circuit
   * @throws CircuitError when it ends before
   */
  async waitAs(
    service: OnionKey,
    isNew: (clientKey: Buffer) => boolean,
  ): Promise<{ readonly joined: Promise<CircuitEnd> }> {
    const end = new Promise<CircuitEnd>((resolve) => {
      this.#introduced = (clientKey) => {
        if (!isNew(clientKey)) throw new CircuitError('replay', 'an introduction came a second time');
        const identity = { name: serviceName(service.publicKey), key: service, depth: MAX_DEPTH };
        const { keys, answer } = answerHandshake(identity, clientKey);
        this.#send(this.#onion.depth, 'answer', answer);
        this.#onion.addAsFarEnd(keys);
        resolve(this.end());
      };
    });
    const proof = registerProof(service, this.#lastHop.onionKey, this.#binding);
    const payload = encodeRegister({ serviceKey: service.publicKey, proof });
    await this.#ask('register', payload, 'registered', () => undefined);
    const joined = this.#untilEnded(end);
    // Who waits for it hears of a failure; nobody else has to.
    joined.catch(() => undefined);
    return { joined };
  }

  /** One cell that means nothing, to the last hop: so that the relays do not take it for idle. */
  keepAlive(): void {
    this.#send(this.#onion.depth, 'drop', Buffer.alloc(0));
  }

  /** Our end towards the farthest hop. The same one each time. */
  end(): CircuitEnd {
    const link = this.#link;
    if (this.#end !== undefined) return this.#end;
    if (link === undefined) throw new CircuitError('closed', 'the circuit is not open');
    const depth = this.#onion.depth;
    this.#end = new CircuitEnd({
      payloadBytes: payloadBytes(depth),
      send: (command, payload) => this.#send(depth, command, payload),
      get full() {
        return link.full;
      },
      onceReady: (work) => link.onceReady(work),
      destroy: (reason) => this.close(reason),
    });
    return this.#end;
  }

  close(reason: DestroyReason): void {
    this.#link?.destroy(reason);
    this.#ended(reason);
  }

  #add(handshake: ClientHandshake, answer: Buffer): void {
    const keys = handshake.finish(answer);
    this.#binding = keys.binding;
    this.#onion.add(keys);
  }

  #send(depth: number, command: Exclude<CommandName, 'forward'>, payload: Uint8Array): void {
    this.#link?.send(this.#onion.wrap(depth, command, payload));
  }

  /**
   * A command to the last hop. `take` gets its answer within the cell that brings it: the next cell may already be sealed with what
   * follows from it.
   */
  async #ask(
    command: Exclude<CommandName, 'forward'>,
    payload: Uint8Array,
    expected: CommandName,
    take: (answer: Buffer) => void,
  ): Promise<void> {
    const hop = this.#onion.depth + 1;
    const done = new Promise<void>((resolve, reject) => {
      this.#answered = (answer) =>
        this.#try(
          hop,
          () => {
            if (answer.command === 'refused') throw new BuildError(hop, destroyReason(answer.payload[0] ?? 0));
            if (answer.command !== expected) throw new BuildError(hop, 'protocol');
            resolve(take(answer.payload));
          },
          reject,
        );
    });
    this.#send(this.#onion.depth, command, payload);
    await this.#inTime(done, hop);
  }

  /** What goes wrong in a step of the building is that hop's. */
  #try(hop: number, work: () => void, failed: (error: unknown) => void): void {
    try {
      work();
    } catch (error) {
      const ours = error instanceof CircuitError && !(error instanceof BuildError);
      failed(ours ? new BuildError(hop, error.reason) : error);
    }
  }

  #cell({ type, body }: Cell): void {
    if (this.#onion.depth === 0) {
      if (type !== 'created') throw new CircuitError('protocol', `expected created, got ${type}`);
      const created = this.#created;
      this.#created = undefined;
      created?.(readCreated(body));
      return;
    }
    if (type !== 'relay') throw new CircuitError('protocol', `expected relay, got ${type}`);
    const { depth, command, payload } = this.#onion.peel(body);
    if (isEndCommand(command)) {
      if (depth !== this.#onion.depth || this.#introduced !== undefined)
        throw new CircuitError('protocol', `hop ${depth} is not the far end`);
      this.end().receive(command, payload);
    } else if (command === 'introduce') {
      const introduced = this.#introduced;
      this.#introduced = undefined;
      introduced?.(payload);
    } else if (depth === this.#onion.depth && this.#answered !== undefined) {
      const answered = this.#answered;
      this.#answered = undefined;
      answered({ command, payload });
    } else throw new CircuitError('protocol', `hop ${depth} sent ${command} unasked`);
  }

  #ended(reason: DestroyReason): void {
    this.#over.resolve(reason);
    this.#end?.ended(reason);
  }

  async #inTime<T>(work: Promise<T>, hop: number): Promise<T> {
    const late = Promise.withResolvers<never>();
    const cancel = this.#deps.clock.after(this.#deps.stepMs, () => late.reject(new BuildError(hop, 'unreachable')));
    try {
      return await Promise.race([this.#untilEnded(work, hop), late.promise]);
    } finally {
      cancel();
    }
  }

  async #untilEnded<T>(work: Promise<T>, hop = this.#onion.depth): Promise<T> {
    const over = this.#over.promise.then((reason): never => {
      throw new BuildError(hop, reason);
    });
    over.catch(() => undefined);
    return await Promise.race([work, over]);
  }
}

function isEndCommand(command: CommandName): command is EndCommand {
  return command === 'data' || command === 'end' || command === 'credit' || command === 'drop';
}
