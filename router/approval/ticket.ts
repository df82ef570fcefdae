/**
 * The router's seal on a call that waits for a vote: who asked for it with which rights, and what it was then. The governance
 * server keeps it and brings it back; it can neither make one nor change one.
 */
import crypto, { type KeyObject } from 'node:crypto';
import { z } from 'zod';
import { AppError } from '../../shared/errors.ts';
import type { Caller } from '../../shared/identity/caller.ts';
import { agentIdSchema, levelSchema } from '../../shared/identity/claims.ts';

const text = (max: number) => z.string().min(1).max(max);

const ticketSchema = z.strictObject({
  caller: z.strictObject({
    agentId: agentIdSchema,
    role: text(64),
    level: levelSchema,
    permissions: z.array(z.string().max(128)).max(512),
    tokenId: text(256),
  }),
  serverId: text(64),
  /** The tool's own name at its server. */
  tool: text(256),
  definitionDigest: text(64),
  argumentsDigest: text(64),
  rowDigest: text(64),
  justification: z.string().max(4_000),
});
export type Ticket = Readonly<z.infer<typeof ticketSchema>>;

/** Before what is signed, so that no other signature of the same key is taken for this one. */
const PURPOSE = 'aivillage approved call 1\n';

export interface Tickets {
  seal(ticket: Ticket): string;
  /** Throws AppError SECURITY_VIOLATION for what this village's routers did not seal. */
  open(sealed: string): Ticket;
}

export function createTickets({ privateKey, publicKey }: { privateKey: KeyObject; publicKey: KeyObject }): Tickets {
  const signed = (body: string) => Buffer.from(PURPOSE + body, 'utf8');
  return {
    seal(ticket) {
      const body = Buffer.from(JSON.stringify(ticketSchema.parse(ticket)), 'utf8').toString('base64url');
      return `${body}.${crypto.sign(null, signed(body), privateKey).toString('base64url')}`;
    },
    open(sealed) {
      const [body = '', signature = '', ...more] = sealed.split('.');
      const isOurs =
        more.length === 0 && crypto.verify(null, signed(body), publicKey, Buffer.from(signature, 'base64url'));
      if (!isOurs) throw new AppError('SECURITY_VIOLATION', { text: 'No router of this village sealed this call' });
      return ticketSchema.parse(JSON.parse(Buffer.from(body, 'base64url').toString('utf8')));
    },
  };
}

/** Who asked, as a caller of now. A token that ended since does not take the request back; one that was revoked does. */
export function requesterOf({ caller }: Ticket, actor: string): Caller {
  return Object.freeze({
    ...caller,
    permissions: Object.freeze([...caller.permissions]),
    expiresAt: Number.MAX_SAFE_INTEGER,
    actor,
  });
}
