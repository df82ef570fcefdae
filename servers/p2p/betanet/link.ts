/**
 * One stream to a neighbour, as cells: cut, gathered into larger writes, timed. It knows no keys and no circuits; whoever owns it
 * says what a cell means.
 */
import {
  CELL_BYTES,
  type Cell,
  CellReader,
  CircuitError,
  DESTROY,
  type DestroyReason,
  decodeCell,
  destroyReason,
  encodeCell,
} from './cell.ts';
import type { Clock, LinkStream } from './network.ts';

export interface LinkEvents {
  /** May throw a CircuitError, which comes to `ended`. */
  cell(cell: Cell): void;
  /** Once, whoever ended it. `theirs`: the neighbour ended it, and maybe said why. `fault`: what of ours was thrown. */
  ended(reason: DestroyReason, theirs: boolean, fault?: unknown): void;
}

/** A cell that has begun must be whole within this time. */
const WHOLE_CELL_MS = 10_000;
/** What the neighbour has not taken by then is dropped. */
const CLOSING_MS = 2_000;
/** Cells written at once. */
const BATCH = 32;

export class Link {
  readonly #stream: LinkStream;
  readonly #clock: Clock;
  readonly #events: LinkEvents;
  readonly #reader = new CellReader();
  #outgoing: Buffer[] = [];
  #flushing = false;
  #full = false;
  #ended = false;
  #waiting: (() => void)[] = [];
  #cancelWhole: (() => void) | undefined;

  constructor(stream: LinkStream, clock: Clock, events: LinkEvents) {
    this.#stream = stream;
    this.#clock = clock;
    this.#events = events;
    stream.listen({
      data: (bytes) => this.#data(bytes),
      drain: () => this.#drained(),
      closed: () => this.#end('closed', true),
    });
  }

  /** The neighbour is behind: what is sent now waits in memory. */
  get full(): boolean {
    return this.#full;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** A whole cell, as encodeCell makes it. Silent once ended. */
  send(cell: Buffer): void {
    if (this.#ended) return;
    this.#outgoing.push(cell);
    if (this.#outgoing.length >= BATCH) this.#flush();
    else if (!this.#flushing) {
      this.#flushing = true;
      queueMicrotask(() => this.#flush());
    }
  }

  /** Once, when the neighbour has caught up; never when the link ends before. */
  onceReady(work: () => void): void {
    this.#waiting.push(work);
  }

  pause(): void {
    if (!this.#ended) this.#stream.pause();
  }

  resume(): void {
    if (!this.#ended) this.#stream.resume();
  }

  /** Says why and ends. `ended` is not told: the caller knows. */
  destroy(reason: DestroyReason): void {
    if (this.#ended) return;
    this.send(encodeCell('destroy', Buffer.from([DESTROY[reason]])));
    this.#flush();
    this.#finish();
    this.#leave();
  }

  #data(bytes: Uint8Array): void {
    if (this.#ended) return;
    try {
      for (const raw of this.#reader.read(bytes)) {
        const cell = decodeCell(raw);
        if (cell.type === 'destroy') {
          this.#end(destroyReason(cell.body[0] ?? 0), true);
          return;
        }
        this.#events.cell(cell);
        if (this.#ended) return;
      }
      this.#watchPartial();
    } catch (error) {
      if (error instanceof CircuitError) this.#fail(error.reason);
      else this.#fail('fault', error);
    }
  }

  #fail(reason: DestroyReason, fault?: unknown): void {
    if (this.#ended) return;
    this.destroy(reason);
    this.#events.ended(reason, false, fault);
  }

  /** One timer while a cell is not whole; it starts anew only when a cell was completed, not with each byte. */
  #watchPartial(): void {
    if (this.#reader.held === 0) {
      this.#cancelWhole?.();
      this.#cancelWhole = undefined;
    } else {
      this.#cancelWhole ??= this.#clock.after(WHOLE_CELL_MS, () => this.#fail('stalled'));
    }
  }

  #flush(): void {
    this.#flushing = false;
    if (this.#outgoing.length === 0) return;
    const bytes = Buffer.concat(this.#outgoing, this.#outgoing.length * CELL_BYTES);
    this.#outgoing = [];
    try {
      if (!this.#stream.send(bytes)) this.#full = true;
    } catch {
      // The stream ended under our hands; its own event follows where it has not come yet.
      this.#end('closed', true);
    }
  }

  #drained(): void {
    this.#full = false;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const work of waiting) work();
  }

  #end(reason: DestroyReason, theirs: boolean): void {
    if (this.#ended) return;
    this.#finish();
    this.#leave();
    this.#events.ended(reason, theirs);
  }

  #finish(): void {
    this.#ended = true;
    this.#waiting = [];
    this.#outgoing = [];
    this.#cancelWhole?.();
  }

  /** Lets what was sent go out, for a while. */
  #leave(): void {
    const cancel = this.#clock.after(CLOSING_MS, () => this.#stream.abort());
    void this.#stream.close().finally(cancel);
  }
}
