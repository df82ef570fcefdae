/**
 * Where a hidden receiver is met: it keeps circuits open to a peer that knows it only by a key, and whoever asks that peer for the
 * key is joined to one of them. This file owns who waits, and the proof that the one who waits holds the key.
 */
import { createHash, createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';
import { CircuitError } from './cell.ts';
import { agree, KEY_BYTES, type OnionKey } from './keys.ts';
import { PROOF_BYTES } from './wire.ts';

const PREFIX = 'betanet:';
const PROOF_CONTEXT = 'aivillage-betanet-register-1';
/** Circuits that wait for one key, and keys at one meeting point. */
const MAX_WAITING = 16;
const MAX_SERVICES = 256;

/** What a hidden receiver gives to those who shall reach it. */
export interface HiddenAddress {
  readonly serviceKey: Buffer;
  /** The peer where it waits. */
  readonly meetingPeer: string;
}

/** `betanet:<key>@<peer id>` */
export function formatHiddenAddress({ serviceKey, meetingPeer }: HiddenAddress): string {
  return `${PREFIX}${serviceKey.toString('base64url')}@${meetingPeer}`;
}

/** Undefined for what is no such address. */
export function readHiddenAddress(text: string): HiddenAddress | undefined {
  const match = /^betanet:([A-Za-z0-9_-]{43})@([1-9A-HJ-NP-Za-km-z]{1,64})$/.exec(text);
  if (match === null) return undefined;
  const serviceKey = Buffer.from(match[1]!, 'base64url');
  return serviceKey.toString('base64url') === match[1] ? { serviceKey, meetingPeer: match[2]! } : undefined;
}

/** The name under which the end-to-end handshake binds a hidden receiver. */
export function serviceName(serviceKey: Uint8Array): string {
  return createHash('sha256').update('betanet service').update(serviceKey).digest('hex').slice(0, 32);
}

/** Proves to the holder of `to` that we hold `service`, on this one circuit, and to nobody else. */
export function registerProof(service: OnionKey, to: Uint8Array, binding: Uint8Array): Buffer {
  return proof(agree(service.privateKey, to), service.publicKey, binding);
}

/** @throws CircuitError `protocol` */
export function checkRegisterProof(own: OnionKey, serviceKey: Buffer, binding: Uint8Array, given: Uint8Array): void {
  const expected = proof(agree(own.privateKey, serviceKey), serviceKey, binding);
  if (given.length !== PROOF_BYTES || !timingSafeEqual(given, expected)) {
    throw new CircuitError('protocol', 'a circuit asked to wait for a key that it does not hold');
  }
}

function proof(secret: Buffer, serviceKey: Uint8Array, binding: Uint8Array): Buffer {
  const key = Buffer.from(hkdfSync('sha256', secret, '', PROOF_CONTEXT, KEY_BYTES));
  return createHmac('sha256', key).update(serviceKey).update(binding).digest();
}

/** Circuits that wait, by the key they wait for. */
export class MeetingPlace<Circuit> {
  readonly #waiting = new Map<string, Circuit[]>();

  /** @throws CircuitError `limits` */
  wait(serviceKey: Buffer, circuit: Circuit): void {
    const name = serviceKey.toString('base64url');
    const circuits = this.#waiting.get(name) ?? [];
    if (circuits.length >= MAX_WAITING || (circuits.length === 0 && this.#waiting.size >= MAX_SERVICES)) {
      throw new CircuitError('limits', 'too many circuits wait here');
    }
    circuits.push(circuit);
    this.#waiting.set(name, circuits);
  }

  /** The one that waited longest; it waits no more. */
  take(serviceKey: Buffer): Circuit | undefined {
    const name = serviceKey.toString('base64url');
    const circuits = this.#waiting.get(name);
    const circuit = circuits?.shift();
    if (circuits?.length === 0) this.#waiting.delete(name);
    return circuit;
  }

  leave(serviceKey: Buffer, circuit: Circuit): void {
    const name = serviceKey.toString('base64url');
    const rest = this.#waiting.get(name)?.filter((other) => other !== circuit) ?? [];
    if (rest.length === 0) this.#waiting.delete(name);
    else this.#waiting.set(name, rest);
  }
}
