/**
 * What a peer says of itself, signed with the key behind its peer id: where it is, what it has, which services it runs.
 * Checks form, signature and time; whether the claim is true nobody can tell from here.
 */
import { z } from 'zod';

const text = z.string().max(256);

/** Free fields of one service, such as a relay's onion key or a price. */
const detailsSchema = z.record(z.string().max(64), z.union([text, z.number(), z.boolean()]));

export const capabilitiesSchema = z.object({
  cpu_cores: z.number().min(0).max(4_096),
  memory_gb: z.number().min(0).max(65_536),
  gpu: z.boolean(),
  /** By name, such as `fog-node`, `betanet-relay`. */
  services: z.record(z.string().regex(/^[a-z0-9-]{1,48}$/), detailsSchema),
});

/** What a node offers. */
export type Capabilities = z.output<typeof capabilitiesSchema>;

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
