/**
 * What a peer says of itself, signed with the key behind its peer id: where it is, what it has, which services it runs.
 * Checks form, signature and time; whether the claim is true nobody can tell from here.
 */
import { z } from 'zod';
import { type Capabilities, capabilitiesSchema } from './capabilities.ts';
import { isPeerId, isSignedBy, type NodeKey, SIGNATURE_BYTES } from './key.ts';

const DOMAIN = 'peer record 1';
/** Of a record as it travels. */
export const MAX_RECORD_BYTES = 8_192;
/** How long a record may be believed. */
export const RECORD_LIFETIME_MS = 600_000;
/** Clocks of peers differ. */
const CLOCK_SKEW_MS = 120_000;

const addressSchema = z.string().max(512).startsWith('/');
const payloadSchema = capabilitiesSchema.extend({
  peer_id: z.string().max(60),
  addresses: z.array(addressSchema).max(32),
  sequence: z.int().min(0),
  issued_at: z.int().min(0),
  expires_at: z.int().min(0),
});

/** A record whose signature was checked. */
export interface PeerRecord extends Capabilities {
  readonly peerId: string;
  readonly addresses: readonly string[];
  /** Grows with each record of a peer; the highest counts. */
  readonly sequence: number;
  /** Milliseconds since the epoch, by the peer's clock. */
  readonly issuedAt: number;
  readonly expiresAt: number;
}

export type Opened =
  | { readonly record: PeerRecord; readonly flaw?: undefined }
  /** `forged` is the sender's doing; `stale` happens to anybody. */
  | { readonly flaw: 'forged' | 'stale'; readonly record?: undefined };

/** The bytes that travel: the signature, then the JSON text that it covers. */
export function sealRecord(key: NodeKey, record: Omit<PeerRecord, 'peerId'>): Uint8Array {
  const { addresses, sequence, issuedAt, expiresAt, cpu_cores, memory_gb, gpu, services } = record;
  const payload: z.input<typeof payloadSchema> = {
    peer_id: key.peerId,
    addresses: [...addresses],
    sequence,
    issued_at: issuedAt,
    expires_at: expiresAt,
    cpu_cores,
    memory_gb,
    gpu,
    services,
  };
  const text = Buffer.from(JSON.stringify(payloadSchema.parse(payload)));
  return Buffer.concat([key.sign(DOMAIN, text), text]);
}

/** Checks what came from the network. @param now milliseconds since the epoch */
export function openRecord(bytes: Uint8Array, now: number): Opened {
  if (bytes.length > MAX_RECORD_BYTES || bytes.length <= SIGNATURE_BYTES) return { flaw: 'forged' };
  const text = bytes.subarray(SIGNATURE_BYTES);
  const parsed = payloadSchema.safeParse(parseJson(text));
  if (!parsed.success) return { flaw: 'forged' };
  const { peer_id: peerId, issued_at: issuedAt, expires_at: expiresAt, ...rest } = parsed.data;
  if (!isPeerId(peerId) || !isSignedBy(peerId, DOMAIN, text, bytes.subarray(0, SIGNATURE_BYTES)))
    return { flaw: 'forged' };
  const lives = expiresAt > now && expiresAt - issuedAt <= RECORD_LIFETIME_MS && issuedAt <= now + CLOCK_SKEW_MS;
  return lives ? { record: { peerId, issuedAt, expiresAt, ...rest } } : { flaw: 'stale' };
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    return undefined;
  }
}
