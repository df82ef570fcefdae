/** What the tools ask of the node about circuits, and the form of the answers. */
import { z } from 'zod';
import { defineOperation } from './owner/operation.ts';

const callerSchema = z.string().min(1).max(128);
export const circuitIdSchema = z.string().min(1).max(64);
/** A peer id, or the address of a hidden receiver. */
export const circuitTargetSchema = z.string().min(1).max(128);
/** In characters: what the inbox shows of one message. */
export const MAX_CIRCUIT_CONTENT = 60_000;
const countSchema = z.int().min(0).max(1_000_000_000_000_000);
const millisecondsSchema = z.number().min(0).max(86_400_000);

export const openCircuit = defineOperation({
  name: 'betanet.open',
  args: z.strictObject({ caller: callerSchema, to: circuitTargetSchema }),
  result: z.object({
    circuit_id: circuitIdSchema,
    status: z.literal('open'),
    /** In the order of the path; only this node knows all of them. */
    relays: z.array(z.string().max(64)).max(8),
    /** `full`: no two of one operator or neighbourhood of addresses; `operator`: of one neighbourhood; `none`: of one operator too. */
    diversity: z.enum(['full', 'operator', 'none']),
    setup_ms: millisecondsSchema,
    /** It closes when nothing was said for so long. */
    idle_seconds: countSchema,
  }),
});

export const sendOnCircuit = defineOperation({
  name: 'betanet.send',
  args: z.strictObject({
    caller: callerSchema,
    circuit_id: circuitIdSchema,
    content: z.string().min(1).max(MAX_CIRCUIT_CONTENT),
  }),
  result: z.object({
    /** The far node has kept it. */
    status: z.literal('delivered'),
    bytes: countSchema,
    acknowledged_ms: millisecondsSchema,
  }),
});

export const closeCircuit = defineOperation({
  name: 'betanet.close',
  args: z.strictObject({ caller: callerSchema, circuit_id: circuitIdSchema }),
  result: z.object({
    circuit_id: circuitIdSchema,
    status: z.literal('closed'),
    messages_sent: countSchema,
    messages_received: countSchema,
    bytes_sent: countSchema,
    bytes_received: countSchema,
  }),
});

export const listenHidden = defineOperation({
  name: 'betanet.listen',
  args: z.strictObject({ enabled: z.boolean() }),
  result: z.object({
    /** Null when nobody is listened for. */
    address: z.string().max(128).nullable(),
  }),
});

/** Of all circuits of the node, without saying whose or to whom. */
export const circuitStatusSchema = z.object({
  /** That end here, opened by us or to us. */
  circuits: countSchema,
  /** That pass through or end here. */
  carried: countSchema,
  refused: countSchema,
  relays_known: countSchema,
  relays_needed: countSchema,
  is_relay: z.boolean(),
  /** Reachable at a hidden address. */
  hidden: z.boolean(),
  mixing_mean_ms: z.number().min(0).max(60_000),
  cover_per_second: z.number().min(0).max(1_000),
});
