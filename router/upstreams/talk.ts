/**
 * Owns what part of this process's time one server may take with what nobody waits for: progress, log messages, lines that are no
 * messages. Who takes more is not read from for a while, so that it slows itself and nobody else (R6).
 */
import type { Flow } from './undelivered.ts';

/** Of our time, in the long run. */
const SHARE = 0.25;
/** Milliseconds in a row that it may take before it has to wait. */
const BURST_MS = 10;
/** What a message has cost before it is looked at: of each, and of each octet. */
const MESSAGE_MS = 0.002;
const OCTET_MS = 2e-6;

export class Talk {
  private readonly flow: Flow;
  private debtMs = 0;
  private paidAt = 0;
  private isPaused = false;

  constructor(flow: Flow) {
    this.flow = flow;
  }

  /** Nothing of the server is read, for what it said. */
  get isHeldBack(): boolean {
    return this.isPaused;
  }

  /** A message was dealt with. @param now performance.now(), after it */
  took(ms: number, octets: number, now: number): void {
    this.pay(now);
    this.debtMs += ms + MESSAGE_MS + octets * OCTET_MS;
    if (this.isPaused || this.debtMs < BURST_MS) return;
    this.isPaused = true;
    this.flow.pause();
  }

  /** To be asked at each tick. */
  tick(now: number): void {
    if (!this.isPaused) return;
    this.pay(now);
    if (this.debtMs > 0) return;
    this.isPaused = false;
    this.flow.resume();
  }

  private pay(now: number): void {
    this.debtMs = Math.max(0, this.debtMs - (now - this.paidAt) * SHARE);
    this.paidAt = now;
  }
}
