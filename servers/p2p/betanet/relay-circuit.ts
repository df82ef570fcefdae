/**
 * One circuit as a hop sees it: the neighbour it came from, one layer of keys, and what lies beyond: nothing yet, the next hop, a
 * circuit it was joined to, or this peer as the far end. It learns its two neighbours and nothing else.
 */
import { type Cell, CircuitError, DESTROY, type DestroyReason } from './cell.ts';
import { CircuitEnd, type EndCommand } from './circuit-end.ts';
import { Dam } from './dam.ts';
import { answerHandshake, type HopKeys, type OnionKey } from './keys.ts';
import { LayerOpener, LayerSealer } from './layer.ts';
import { Link } from './link.ts';
import { checkRegisterProof, type MeetingPlace } from './meeting.ts';
import { MixingTimes } from './mixing.ts';
import type { Clock, LinkStream, Offence } from './network.ts';
import { NextHop, onward } from './next-hop.ts';
import {
  commandLayer,
  forwardLayer,
  layerOf,
  MEETING_DEPTH,
  type Opened,
  payloadBytes,
  RELAYS,
  readLayer,
  sealCell,
} from './onion.ts';
import { Outlet } from './outlet.ts';
import { encodeCreate, encodeCreated, readAnswer, readCreate, readExtend, readJoin, readRegister } from './wire.ts';

/** What a hop could write down of a circuit. The proof that it learns nothing more hangs here. */
export type Tap = (seen: {
  readonly from: string;
  readonly plain: Buffer;
  readonly direction: 'forward' | 'backward';
}) => void;

export interface RelayCircuitDeps {
  readonly self: string;
  readonly clock: Clock;
  readonly mixingMeanMs: number;
  readonly idleMs: number;
  readonly meeting: MeetingPlace<RelayCircuit>;
  /** Our onion key of that name, also the one before the last change. */
  readonly key: (id: Buffer) => OnionKey | undefined;
  /** False for a handshake that was seen before. */
  readonly isNew: (clientKey: Buffer) => boolean;
  readonly open: (peer: string, signal: AbortSignal) => Promise<LinkStream>;
  /** Whether circuits of others may go on from here, or meet here. */
  readonly relays: () => boolean;
  /** Takes a circuit whose far end we are; false when nobody here does. */
  readonly accept: (end: CircuitEnd) => boolean;
  readonly offended: (peer: string, offence: Offence) => void;
  readonly ended: (circuit: RelayCircuit, reason: DestroyReason) => void;
  /** A mistake of our own, for the log. */
  readonly fault: (thrown: unknown) => void;
  readonly tap?: Tap;
}

/** What comes first must come within this time. */
const CREATE_MS = 10_000;

type Beyond =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'hop'; readonly hop: NextHop }
  | { readonly kind: 'waiting'; readonly serviceKey: Buffer }
  | { readonly kind: 'meeting' | 'joined'; readonly other: RelayCircuit }
  | { readonly kind: 'end'; readonly end: CircuitEnd };

interface Own {
  readonly depth: number;
  readonly key: OnionKey;
  readonly keys: HopKeys;
  readonly opener: LayerOpener;
  readonly sealer: LayerSealer;
}

export class RelayCircuit {
  readonly from: string;
  readonly #deps: RelayCircuitDeps;
  readonly #previous: Link;
  readonly #back: Outlet;
  #own: Own | undefined;
  #beyond: Beyond = { kind: 'nothing' };
  #over = false;
  #active: number;
  #cancelIdle: () => void;
  readonly #dam: Dam;

  constructor(stream: LinkStream, from: string, deps: RelayCircuitDeps) {
    this.from = from;
    this.#deps = deps;
    this.#active = deps.clock.now();
    this.#dam = new Dam(deps.clock, () => this.destroy('stalled'));
    this.#previous = new Link(stream, deps.clock, {
      cell: (cell) => this.#fromPrevious(cell),
      ended: (reason, theirs, fault) => {
        if (fault !== undefined) deps.fault(fault);
        if (!theirs && reason === 'protocol') deps.offended(from, 'malformed');
        if (!theirs && reason === 'stalled') deps.offended(from, 'slow');
        this.destroy(reason);
      },
    });
    this.#back = new Outlet(this.#previous, new MixingTimes(deps.mixingMeanMs), deps.clock);
    this.#cancelIdle = deps.clock.after(CREATE_MS, () => {
      deps.offended(from, 'half-open');
      this.destroy('idle');
    });
  }

  /** Ends it in both directions; what lies beyond is told the same reason. */
  destroy(reason: DestroyReason): void {
    if (this.#over) return;
    this.#over = true;
    this.#cancelIdle();
    this.#dam.close();
    this.#previous.destroy(reason);
    this.#back.close();
    const beyond = this.#beyond;
    if (beyond.kind === 'hop') beyond.hop.destroy(reason);
    else if (beyond.kind === 'waiting') this.#deps.meeting.leave(beyond.serviceKey, this);
    else if (beyond.kind === 'meeting' || beyond.kind === 'joined') beyond.other.destroy(reason);
    else if (beyond.kind === 'end') beyond.end.ended(reason);
    this.#deps.ended(this, reason);
  }

  #fromPrevious(cell: Cell): void {
    if (this.#own === undefined) {
      if (cell.type !== 'create') throw new CircuitError('protocol', `expected create first, got ${cell.type}`);
      this.#create(cell.body);
      return;
    }
    if (cell.type !== 'relay') throw new CircuitError('protocol', `expected relay, got ${cell.type}`);
    this.#active = this.#deps.clock.now();
    const { depth, opener } = this.#own;
    const layer = layerOf(cell.body, depth);
    try {
      const plain = opener.open(layer);
      this.#deps.tap?.({ from: this.from, plain, direction: 'forward' });
      this.#obey(readLayer(plain), this.#own);
    } catch (error) {
      // Whoever made this layer may sit far behind the neighbour, who cannot read it: the circuit ends, nobody is blamed.
      if (!(error instanceof CircuitError)) throw error;
      this.destroy(error.reason);
    }
  }

  #create(body: Buffer): void {
    const { depth, keyId, clientKey } = readCreate(body);
    if (depth < 1 || depth > MEETING_DEPTH) throw new CircuitError('protocol', `no circuit has a hop ${depth}`);
    const key = this.#deps.key(keyId);
    if (key === undefined) {
      this.destroy('staleKey');
      return;
    }
    if (!this.#deps.isNew(clientKey)) {
      this.destroy('replay');
      return;
    }
    const { keys, answer } = answerHandshake({ name: this.#deps.self, key, depth }, clientKey);
    this.#own = { depth, key, keys, opener: new LayerOpener(keys.forward), sealer: new LayerSealer(keys.backward) };
    this.#cancelIdle();
    this.#watchIdle();
    this.#back.push(encodeCreated(answer));
  }

  #obey(opened: Opened, own: Own): void {
    switch (opened.command) {
      case 'forward':
        this.#forward(opened.inner);
        break;
      case 'extend':
        this.#extend(opened.payload, own);
        break;
      case 'register':
        this.#register(opened.payload, own);
        break;
      case 'join':
        this.#join(opened.payload, own);
        break;
      case 'answer':
        this.#answered(opened.payload);
        break;
      case 'drop':
        break;
      case 'data':
      case 'end':
      case 'credit':
        this.#end(own).receive(opened.command, opened.payload);
        break;
      default:
        throw new CircuitError('protocol', `a client does not send ${opened.command}`);
    }
  }

  #forward(inner: Buffer): void {
    const beyond = this.#beyond;
    const way = beyond.kind === 'hop' ? beyond.hop.way : undefined;
    if (way !== undefined) {
      way.outlet.push(onward(inner));
      this.#dam.hold(this.#previous, way.outlet);
    } else if (beyond.kind === 'joined') {
      beyond.other.#sendBack(forwardLayer(inner));
      this.#dam.hold(this.#previous, beyond.other.#back);
    } else throw new CircuitError('protocol', 'there is no hop to forward to');
  }

  #extend(payload: Buffer, own: Own): void {
    const { peer, keyId, clientKey } = readExtend(payload);
    if (this.#beyond.kind !== 'nothing') throw new CircuitError('protocol', 'a circuit goes on to one hop only');
    if (own.depth > RELAYS || peer === this.#deps.self || peer === this.from) {
      throw new CircuitError('protocol', 'a circuit cannot go on to that peer from here');
    }
    if (!this.#deps.relays()) {
      this.#refuse('limits');
      return;
    }
    const { clock, mixingMeanMs, fault } = this.#deps;
    const depth = own.depth + 1;
    const hop = new NextHop(
      {
        clock,
        mixingMeanMs,
        depth,
        open: (signal) => this.#deps.open(peer, signal),
        create: encodeCreate({ depth, keyId, clientKey }),
      },
      {
        created: (answer) => this.#sendBack(commandLayer(own.depth, 'extended', answer)),
        layer: (inner) => this.#fromNext(hop, inner),
        ended: (reason, wasCreated) => this.#nextEnded(reason, wasCreated),
        fault,
      },
    );
    this.#beyond = { kind: 'hop', hop };
  }

  /** Before it was created, the client may try another; after, the circuit has no far part any more. */
  #nextEnded(reason: DestroyReason, wasCreated: boolean): void {
    if (wasCreated) {
      this.destroy(reason);
      return;
    }
    this.#beyond = { kind: 'nothing' };
    this.#refuse(reason);
  }

  #fromNext(hop: NextHop, inner: Buffer): void {
    this.#active = this.#deps.clock.now();
    this.#deps.tap?.({ from: this.from, plain: inner, direction: 'backward' });
    this.#sendBack(forwardLayer(inner));
    if (hop.way !== undefined) this.#dam.hold(hop.way.link, this.#back);
  }

  #sendBack(plain: Buffer): void {
    if (this.#own !== undefined && !this.#over) this.#back.push(sealCell(this.#own.sealer, plain));
  }

  #refuse(reason: DestroyReason): void {
    if (this.#own !== undefined)
      this.#sendBack(commandLayer(this.#own.depth, 'refused', Buffer.from([DESTROY[reason]])));
  }

  #register(payload: Buffer, own: Own): void {
    const { serviceKey, proof } = readRegister(payload);
    this.#requireMeeting(own);
    checkRegisterProof(own.key, serviceKey, own.keys.binding, proof);
    this.#deps.meeting.wait(serviceKey, this);
    this.#beyond = { kind: 'waiting', serviceKey };
    this.#sendBack(commandLayer(own.depth, 'registered', Buffer.alloc(0)));
  }

  #join(payload: Buffer, own: Own): void {
    const { serviceKey, clientKey } = readJoin(payload);
    this.#requireMeeting(own);
    const other = this.#deps.meeting.take(serviceKey);
    if (other === undefined || other.#own === undefined) {
      this.#refuse('unknownService');
      return;
    }
    this.#beyond = { kind: 'meeting', other };
    other.#beyond = { kind: 'meeting', other: this };
    other.#sendBack(commandLayer(other.#own.depth, 'introduce', clientKey));
  }

  #answered(payload: Buffer): void {
    const beyond = this.#beyond;
    if (beyond.kind !== 'meeting' || beyond.other.#own === undefined) {
      throw new CircuitError('protocol', 'an answer came that nobody waits for');
    }
    const { other } = beyond;
    const answer = readAnswer(payload);
    this.#beyond = { kind: 'joined', other };
    other.#beyond = { kind: 'joined', other: this };
    other.#sendBack(commandLayer(beyond.other.#own.depth, 'extended', answer));
  }

  /** Both circuits end at the same depth, so that the layers of one fit into the other. */
  #requireMeeting(own: Own): void {
    if (this.#beyond.kind !== 'nothing' || own.depth !== MEETING_DEPTH) {
      throw new CircuitError('protocol', `circuits meet at hop ${MEETING_DEPTH}, and only those that end there`);
    }
    if (!this.#deps.relays()) throw new CircuitError('limits', 'nobody meets here');
  }

  /** This peer as the far end, from the first thing said to it. */
  #end(own: Own): CircuitEnd {
    if (this.#beyond.kind === 'end') return this.#beyond.end;
    if (this.#beyond.kind !== 'nothing' || own.depth !== MEETING_DEPTH) {
      throw new CircuitError('protocol', 'this hop is not the far end');
    }
    const back = this.#back;
    const end = new CircuitEnd({
      payloadBytes: payloadBytes(own.depth),
      send: (command: EndCommand, payload) => this.#sendBack(commandLayer(own.depth, command, payload)),
      get full() {
        return back.full;
      },
      onceReady: (work) => back.onceReady(work),
      destroy: (reason) => this.destroy(reason),
    });
    this.#beyond = { kind: 'end', end };
    if (!this.#deps.accept(end)) throw new CircuitError('limits', 'nobody here takes circuits');
    return end;
  }

  #watchIdle(): void {
    const { clock, idleMs } = this.#deps;
    this.#cancelIdle = clock.after(Math.max(1, this.#active + idleMs - clock.now()), () => {
      if (this.#over) return;
      if (clock.now() - this.#active >= idleMs) this.destroy('idle');
      else this.#watchIdle();
    });
  }
}
