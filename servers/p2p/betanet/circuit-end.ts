/**
 * One end of an open circuit: bytes to the other end and back, each direction in a window of cells that its reader refills. The
 * same code serves him who opened it, him who is spoken to, and a hidden one. It knows nothing of layers and hops.
 */
import { CircuitError, type DestroyReason } from './cell.ts';

/** Cells that may be on their way in one direction before the reader says it took some. */
export const WINDOW_CELLS = 512;
const CREDIT_EVERY = 128;
/** Cells written before others get their turn. */
const TURN_CELLS = 32;

export type EndCommand = 'data' | 'end' | 'credit' | 'drop';

export interface EndPort {
  /** The most that one cell carries. */
  readonly payloadBytes: number;
  send(command: EndCommand, payload: Uint8Array): void;
  /** The neighbour is behind. */
  readonly full: boolean;
  onceReady(work: () => void): void;
  destroy(reason: DestroyReason): void;
}

const NOTHING = Buffer.alloc(0);

export class CircuitEnd {
  readonly #port: EndPort;
  #sendWindow = WINDOW_CELLS;
  #receiveWindow = WINDOW_CELLS;
  #taken = 0;
  #received: Buffer[] = [];
  #endSent = false;
  #endReceived = false;
  #ended: CircuitError | undefined;
  #wakeWriter: (() => void) | undefined;
  #wakeReader: (() => void) | undefined;
  #writing: Promise<void> = Promise.resolve();
  readonly #closed = Promise.withResolvers<DestroyReason>();
  sentBytes = 0;
  receivedBytes = 0;

  constructor(port: EndPort) {
    this.#port = port;
  }

  /** Resolves, with the reason, when the circuit is no more. */
  get closed(): Promise<DestroyReason> {
    return this.#closed.promise;
  }

  /**
   * Resolves when all of it is on its way; writes follow one another.
   * @throws CircuitError when the circuit ends first, or `end` was called
   */
  write(bytes: Uint8Array): Promise<void> {
    const written = this.#writing.then(() => this.#write(bytes));
    this.#writing = written.catch(() => undefined);
    return written;
  }

  /** After this the other end reads to its end; it may still write. */
  end(): Promise<void> {
    const ended = this.#writing.then(() => {
      if (this.#ended !== undefined || this.#endSent) return;
      this.#endSent = true;
      this.#port.send('end', NOTHING);
    });
    this.#writing = ended;
    return ended;
  }

  /** One cell of cover; looks like any other from outside. */
  cover(): void {
    if (this.#ended === undefined) this.#port.send('drop', NOTHING);
  }

  /** Ends the circuit at both ends. */
  close(reason: DestroyReason = 'closed'): void {
    this.#port.destroy(reason);
    this.ended(reason);
  }

  /**
   * What the other end wrote, in pieces of no meaning, until it called `end`. Whoever does not read stops the writer, not the
   * relays. One reader only. @throws CircuitError when the circuit ended otherwise: what came may be cut short
   */
  async *read(): AsyncGenerator<Buffer, void, undefined> {
    for (;;) {
      const piece = this.#received.shift();
      if (piece !== undefined) {
        this.#credit();
        yield piece;
      } else if (this.#endReceived) return;
      else if (this.#ended !== undefined) throw this.#ended;
      else {
        await new Promise<void>((resolve) => {
          this.#wakeReader = resolve;
        });
      }
    }
  }

  /** What the other end sent. @throws CircuitError when it does what an end of ours never does */
  receive(command: EndCommand, payload: Buffer): void {
    if (command === 'drop') return;
    if (command === 'credit') {
      this.#credited(payload);
      return;
    }
    if (this.#endReceived) throw new CircuitError('protocol', `a ${command} came after the end`);
    if (command === 'end') this.#endReceived = true;
    else {
      if (this.#receiveWindow === 0) throw new CircuitError('protocol', `more than ${WINDOW_CELLS} cells came unasked`);
      this.#receiveWindow -= 1;
      this.receivedBytes += payload.length;
      this.#received.push(payload);
    }
    this.#wakeReader?.();
    this.#wakeReader = undefined;
  }

  /** The circuit is no more; told by whoever carries it. */
  ended(reason: DestroyReason): void {
    if (this.#ended !== undefined) return;
    this.#ended = new CircuitError(reason, `the circuit ended: ${reason}`);
    this.#wakeReader?.();
    this.#wakeWriter?.();
    this.#closed.resolve(reason);
  }

  async #write(bytes: Uint8Array): Promise<void> {
    const size = this.#port.payloadBytes;
    let turn = 0;
    for (let at = 0; at < bytes.length; at += size) {
      while (this.#ended === undefined && (this.#sendWindow === 0 || this.#port.full)) await this.#writable();
      if (this.#ended !== undefined) throw this.#ended;
      if (this.#endSent) throw new CircuitError('closed', 'nothing can be written after the end');
      this.#sendWindow -= 1;
      const piece = bytes.subarray(at, at + size);
      this.#port.send('data', piece);
      this.sentBytes += piece.length;
      turn += 1;
      if (turn % TURN_CELLS === 0) await new Promise((resolve) => setImmediate(resolve));
    }
  }

  async #writable(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wakeWriter = resolve;
    if (this.#port.full) this.#port.onceReady(resolve);
    await promise;
  }

  #credit(): void {
    this.#taken += 1;
    if (this.#taken < CREDIT_EVERY || this.#ended !== undefined) return;
    const cells = Buffer.alloc(4);
    cells.writeUInt32LE(this.#taken);
    this.#receiveWindow += this.#taken;
    this.#taken = 0;
    this.#port.send('credit', cells);
  }

  #credited(payload: Buffer): void {
    const cells = payload.length === 4 ? payload.readUInt32LE() : 0;
    if (cells === 0 || this.#sendWindow + cells > WINDOW_CELLS) {
      throw new CircuitError('protocol', 'more cells were asked for than the window holds');
    }
    this.#sendWindow += cells;
    this.#wakeWriter?.();
  }
}
