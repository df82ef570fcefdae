/** The state of one server as tools show it: health.ts's ServiceState. */
import { z } from 'zod';
import type { ServiceState } from '../../health.ts';

export const serviceId = z
  .string()
  .regex(/^[A-Za-z0-9_-]{1,64}$/)
  .describe('Id of a server, as service_list shows it');

const state = z.enum(['idle', 'starting', 'ready', 'waiting', 'stopped', 'halted']);
const starts = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
const problem = z.string().max(4_000).nullable();
const inFlight = z.number().int().min(0).max(1_000_000);

const copyState = z.object({
  copy: z.number().int().min(1).max(32),
  state,
  answers: z.boolean().nullable().describe('Whether it answered when it was last asked; null without a connection'),
  breaker: z.enum(['closed', 'open', 'ejected']).describe('Unless closed, calls go to other copies'),
  problem,
  starts,
  calls_in_flight: inFlight,
});

export const serviceState = z.object({
  id: z.string().max(64),
  status: z.enum(['healthy', 'degraded', 'unhealthy']),
  state,
  since: z.string().max(40).describe('ISO 8601'),
  problem: problem.describe('Why it is not healthy'),
  starts: starts.describe('How often it was started'),
  calls_in_flight: inFlight,
  tools: z.number().int().min(0).max(1_000_000),
  bad_messages: z
    .number()
    .int()
    .min(0)
    .max(Number.MAX_SAFE_INTEGER)
    .describe('What it sent since its start that is no message'),
  protocol_version: z.string().max(64).nullable(),
  copies: z.array(copyState).max(32).describe('Each copy of it by itself'),
});

const MAX_PROBLEM = 4_000;

/** `problem` can hold a server's last words, which may be long. */
export function shown(service: ServiceState): z.input<typeof serviceState> {
  const cut = (text: string | null) => text?.slice(0, MAX_PROBLEM) ?? null;
  const copies = service.copies.map((copy) => ({ ...copy, problem: cut(copy.problem) }));
  return { ...service, problem: cut(service.problem), copies };
}
