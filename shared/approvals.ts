/**
 * What the router and the governance server say to each other about calls that need a vote: arguments and results of the
 * tools between them. Shapes only.
 */
import { z } from 'zod';
import { APPROVALS } from './matrix/rows.ts';

/** Bounds in characters. */
export const SIZES = {
  name: 256,
  /** Of a call's arguments, as JSON text. */
  arguments: 262_144,
  /** Of a stored outcome, as JSON text; what is longer is kept as digest and size. */
  outcome: 1_048_576,
  ticket: 65_536,
  justification: 4_000,
} as const;

const name = z.string().min(1).max(SIZES.name);
const sha256 = z
  .string()
  .length(64)
  .regex(/^[0-9a-f]+$/);
const argumentsText = z.string().min(2).max(SIZES.arguments);
const ticket = z.string().min(1).max(SIZES.ticket);
const id = z.string().min(1).max(100);

/** What a call is bound to beside its requester and its arguments. */
const bound = {
  server_id: z.string().min(1).max(64),
  own_name: name.describe('The name of the tool at its server'),
  tool: name.describe('The tool as it is listed'),
  definition_digest: sha256,
  row_digest: sha256.describe('Of the row of the permission matrix that decides'),
};

/** governance_gate: a gated call, in the name of the caller of the assertion. */
export const gateInput = z.strictObject({
  call: z.strictObject({ ...bound, arguments_text: argumentsText, ticket }),
  approval: z.enum(APPROVALS),
  read_only: z.boolean(),
  justification: z.string().max(SIZES.justification),
  /** Longest wait for the outcome; 0: the state at once. */
  wait_ms: z.int().min(0).max(86_400_000),
});

export const GATE_STATUSES = [
  'voting_ongoing',
  'approved',
  'executing',
  'executed',
  'failed',
  'outcome_unknown',
  'rejected',
  'expired',
  'void',
] as const;

export const gateOutput = z.object({
  proposal_id: id,
  status: z.enum(GATE_STATUSES),
  /** ISO 8601: the end of the vote, of the wait for its start, or of the time for which this is the answer. */
  expires_at: z.iso.datetime().max(40).nullable(),
  type: z.enum(APPROVALS),
  approvals: z.int().min(0).max(1_000),
  required: z.int().min(1).max(1_000),
  voters: z.array(name).max(1_000),
  /** The stored outcome, as it was: a tool's result, or `{"error": …}` where there is none. */
  outcome_text: z.string().max(SIZES.outcome).nullable(),
  outcome_bytes: z.int().min(0).max(1e12).nullable(),
});

/** call_binding: what a call would be now, for who proposes it (`correlation_id`) or as it was sealed (`ticket`). */
export const bindingInput = z.strictObject({
  by: z.union([
    z.strictObject({ correlation_id: id, tool: name, justification: z.string().max(SIZES.justification) }),
    z.strictObject({ ticket }),
  ]),
  arguments_text: argumentsText,
});

export const bindingOutput = z.object({
  ...bound,
  caller: name,
  ticket,
  /** The type of proposal that the matrix asks for, if it asks for one. */
  approval: z.enum(APPROVALS).nullable(),
});

/** approved_call: the call of an approved proposal. */
export const approvedInput = z.strictObject({
  proposal_id: id,
  fence: z.int().min(1).max(Number.MAX_SAFE_INTEGER),
  ticket,
  arguments_text: argumentsText,
});

export const approvedOutput = z.object({
  /** `not_run`: nothing left for the server. `unknown`: it left, and no answer came back. */
  outcome: z.enum(['answered', 'not_run', 'unknown']),
  /** The tool said that it failed, or the server refused. */
  is_error: z.boolean(),
  /** The tool's result as it came, or `{"error": …}`. */
  text: z.string().max(2 ** 30),
});

export const APPROVAL_META_KEY = 'io.aivillage/approval';
