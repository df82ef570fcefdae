/**
 * What the processes on one data folder say to each other over the local socket: JSON lines. Knows the form, not what is asked.
 */
import type { Socket } from 'node:net';
import { z } from 'zod';
import { AppError, ERRORS, type ErrorKindName, toAppError } from '../../../shared/errors.ts';

/** Of one line; a list of a thousand peers fits many times. */
const MAX_LINE_BYTES = 16 * 1024 * 1024;

/** What changed at the node, for those who watch. */
export const CHANGES = ['status', 'peers', 'inbox'] as const;
export type Change = (typeof CHANGES)[number];

export const requestSchema = z.object({
  id: z.int().min(0),
  /** Such as `mesh.status`. */
  operation: z.string().max(100),
  args: z.unknown(),
});

const kindSchema = z.string().refine((kind): kind is ErrorKindName => Object.hasOwn(ERRORS, kind));
export const replySchema = z.union([
  z.object({ id: z.int().min(0), result: z.unknown() }),
  z.object({
    id: z.int().min(0),
    error: z.object({ kind: kindSchema, text: z.string(), data: z.record(z.string(), z.unknown()).optional() }),
  }),
  z.object({ changed: z.enum(CHANGES) }),
]);

/** An error in the form that travels; the cause stays here. */
export function toReplyError(thrown: unknown): { kind: ErrorKindName; text: string; data?: Record<string, unknown> } {
  const error = toAppError(thrown);
  return { kind: error.kind, text: error.message, ...(error.data !== undefined && { data: { ...error.data } }) };
}

export function fromReplyError(error: {
  kind: ErrorKindName;
  text: string;
  data?: Record<string, unknown> | undefined;
}) {
  return new AppError(error.kind, { text: error.text, ...(error.data !== undefined && { data: error.data }) });
}

export function sendLine(socket: Socket, message: unknown): void {
  if (socket.writable) socket.write(`${JSON.stringify(message)}\n`);
}

/** Calls `take` with each line as JSON; a line that is none, or too long, ends the socket. */
export function onLines(socket: Socket, take: (message: unknown) => void): void {
  let held = '';
  socket.setEncoding('utf8');
  socket.on('data', (text: string) => {
    held += text;
    const lines = held.split('\n');
    held = lines.pop() ?? '';
    if (held.length > MAX_LINE_BYTES) {
      socket.destroy();
      return;
    }
    for (const line of lines) {
      try {
        take(JSON.parse(line));
      } catch {
        socket.destroy();
        return;
      }
    }
  });
}
