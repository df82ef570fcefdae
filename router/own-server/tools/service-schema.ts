/** The state of one server as tools show it: health.ts's ServiceState. */
import { z } from 'zod';

export const serviceId = z
  .string()
  .regex(/^[A-Za-z0-9_-]{1,64}$/)
  .describe('Id of a server, as service_list shows it');

export const serviceState = z.object({
  id: z.string().max(64),
  status: z.enum(['healthy', 'degraded', 'unhealthy']),
  state: z.enum(['idle', 'starting', 'ready', 'waiting', 'stopped', 'halted']),
  since: z.string().max(40).describe('ISO 8601'),
  problem: z.string().max(4_000).nullable().describe('Why it is not healthy'),
  starts: z.number().int().min(0).max(Number.MAX_SAFE_INTEGER).describe('How often it was started'),
  calls_in_flight: z.number().int().min(0).max(1_000_000),
  tools: z.number().int().min(0).max(1_000_000),
  bad_messages: z
    .number()
    .int()
    .min(0)
    .max(Number.MAX_SAFE_INTEGER)
    .describe('What it sent since its start that is no message'),
  protocol_version: z.string().max(64).nullable(),
});
