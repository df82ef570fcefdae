/**
 * Writes a large answer to a client piece by piece, each when the one before has left, so that no second copy of it waits in a
 * socket. A client that takes nothing for too long is cut off: sooner while others wait for it.
 */
import type { ServerResponse } from 'node:http';
import type { Octets } from '../../shared/json/octets.ts';
import type { Holding } from '../upstreams/undelivered.ts';

export const PIECE_BYTES = 256 * 1024;
/** A client may pause for so long; for so long only while its server is held back because answers are not taken. */
export const MAX_STALL_MS = 15_000;
export const MAX_STALL_WHILE_HELD_BACK_MS = 3_000;
const WATCH_MS = 250;

/** Writes all of `text` to a response whose head is written, and ends it. `holding` is released when it has left, or never will. */
export function deliver(response: ServerResponse, text: Octets, holding: Holding): void {
  if (response.destroyed) {
    holding.release();
    return;
  }
  let at = 0;
  let movedAt = performance.now();
  const watch = setInterval(() => {
    const now = performance.now();
    const since = holding.heldBackSince;
    const isHeldUp = since !== undefined && now - Math.max(movedAt, since) > MAX_STALL_WHILE_HELD_BACK_MS;
    if (isHeldUp || now - movedAt > MAX_STALL_MS) response.destroy();
  }, WATCH_MS).unref();
  response.once('close', () => {
    clearInterval(watch);
    holding.release();
  });
  const next = (): void => {
    movedAt = performance.now();
    if (response.destroyed) return;
    const piece = text.slice(at, at + PIECE_BYTES);
    at += PIECE_BYTES;
    if (at >= text.length) response.end(piece, 'latin1');
    else response.write(piece, 'latin1', next);
  };
  next();
}
