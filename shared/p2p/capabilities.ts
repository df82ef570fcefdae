/** What a node may say that it has: the schema alone, so that those who only name it load nothing else. */
import { z } from 'zod';

/** Free fields of one service, such as a relay's onion key or a price. */
export const detailsSchema = z
  .record(z.string().min(1).max(64), z.union([z.string().max(256), z.number().min(-1e15).max(1e15), z.boolean()]))
  .refine((details) => Object.keys(details).length <= 16, 'at most 16 details');

export const serviceNameSchema = z.string().regex(/^[a-z0-9-]{1,48}$/, 'small letters, digits and hyphens, at most 48');

export const capabilitiesSchema = z.object({
  cpu_cores: z.number().min(0).max(4_096),
  memory_gb: z.number().min(0).max(65_536),
  gpu: z.boolean(),
  /** By name, such as `fog-node`, `betanet-relay`. */
  services: z
    .record(serviceNameSchema, detailsSchema)
    .refine((services) => Object.keys(services).length <= 16, 'at most 16 services'),
});

/** What a node offers. */
export type Capabilities = z.output<typeof capabilitiesSchema>;
