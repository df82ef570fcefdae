/**
 * Owns the shapes of what is written down: the events of a proposal and of a policy, with their bounds. Decides nothing;
 * a released shape is only ever added to, because old files hold it.
 */
import { z } from 'zod';
import { SIZES } from '../../shared/approvals.ts';
import { APPROVALS } from '../../shared/matrix/rows.ts';

export const PROPOSAL_TYPES = APPROVALS;
export const RISK_LEVELS = ['low', 'medium', 'high', 'critical'] as const;

/** Bounds in characters, shared with the tools' input schemas. */
export const BOUNDS = {
  title: 200,
  description: 10_000,
  reasoning: 4_000,
  affectedSystems: 50,
  systemName: 200,
  agentId: 256,
  toolName: 256,
  /** Arguments of an action, as JSON text. */
  argumentsText: 262_144,
  /** A stored result, as JSON text; a longer one is kept as digest and size only. */
  resultText: 1_048_576,
} as const;

const agentId = z.string().min(1).max(BOUNDS.agentId);
const reasoning = z.string().max(BOUNDS.reasoning);
const justification = z.string().max(BOUNDS.reasoning).regex(/\S/, 'expected a reason, not blanks');
const level = z.literal([1, 2, 3, 4, 5]);
const short = z.string().min(1).max(BOUNDS.toolName);

const impactSchema = z.strictObject({
  affectedSystems: z.array(z.string().min(1).max(BOUNDS.systemName)).max(BOUNDS.affectedSystems),
  riskLevel: z.enum(RISK_LEVELS),
  reversible: z.boolean(),
});

const bindingSchema = z.strictObject({
  caller: agentId,
  serverId: short,
  tool: short,
  definitionDigest: short,
  argumentsDigest: short,
  matrixVersion: short,
});

const actionSchema = z.strictObject({
  /** The name that callers use. */
  tool: short,
  /** Exactly what will be sent, as it came. */
  argumentsText: z.string().min(2).max(BOUNDS.argumentsText),
  binding: bindingSchema,
  /** The router's seal on requester, rights and binding: without it the router makes no call. */
  ticket: z.string().max(SIZES.ticket).optional(),
});

const electorateSchema = z.strictObject({
  voters: z.array(agentId).min(1).max(1_000),
  threshold: z.int().min(1).max(1_000),
  /** Lowest governance level that a vote must come with. */
  minimumLevel: level,
});

/** A result longer than the bound leaves `text` null; digest and size are of the whole. */
const resultSchema = z.strictObject({
  text: z.string().max(BOUNDS.resultText).nullable(),
  /** SHA-256 of the text in UTF-8, hexadecimal. */
  digest: z.string().length(64),
  bytes: z.int().min(0),
});

const proposalEventSchema = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('created'),
    title: z.string().max(BOUNDS.title).regex(/\S/, 'expected a title, not blanks'),
    description: z.string().max(BOUNDS.description),
    proposalType: z.enum(PROPOSAL_TYPES),
    impact: impactSchema,
    proposer: agentId,
    action: actionSchema.nullable(),
    electorate: electorateSchema,
    /** Milliseconds since the epoch; the first instant at which no vote counts. */
    deadlineAt: z.int().positive(),
    /** How long an approved action may wait for its start. */
    executionWindowMs: z.int().positive(),
  }),
  z.strictObject({ type: z.literal('voted'), voter: agentId, vote: z.enum(['approve', 'reject']), level, reasoning }),
  z.strictObject({ type: z.literal('approved') }),
  z.strictObject({ type: z.literal('rejected') }),
  z.strictObject({ type: z.literal('expired') }),
  z.strictObject({
    type: z.literal('overridden'),
    by: agentId,
    decision: z.enum(['approve', 'reject']),
    justification,
  }),
  z.strictObject({ type: z.literal('voided'), reason: z.string().min(1).max(500) }),
  /** The position of this event in the file is the execution's fencing number. */
  z.strictObject({ type: z.literal('executing'), owner: z.uuid() }),
  z.strictObject({ type: z.literal('finished'), outcome: z.enum(['executed', 'failed']), result: resultSchema }),
  z.strictObject({ type: z.literal('outcome_lost'), reason: z.string().min(1).max(500) }),
  z.strictObject({ type: z.literal('resolved'), by: agentId, outcome: z.enum(['executed', 'failed']), justification }),
]);

const policyEventSchema = z.strictObject({
  type: z.literal('policy_set'),
  value: z.union([z.string().max(1_000), z.number(), z.boolean()]),
  by: agentId,
  authority: z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('proposal'), proposalId: z.string().min(1).max(100) }),
    z.strictObject({ kind: z.literal('emergency'), justification }),
  ]),
});

export const eventSchema = z.discriminatedUnion('type', [...proposalEventSchema.options, policyEventSchema]);

export type ProposalType = (typeof PROPOSAL_TYPES)[number];
export type Impact = z.infer<typeof impactSchema>;
export type Action = z.infer<typeof actionSchema>;
export type Electorate = z.infer<typeof electorateSchema>;
export type StoredResult = z.infer<typeof resultSchema>;
export type ProposalEvent = z.infer<typeof proposalEventSchema>;
export type PolicyEvent = z.infer<typeof policyEventSchema>;
export type GovernanceEvent = z.infer<typeof eventSchema>;
export type CreatedEvent = Extract<ProposalEvent, { type: 'created' }>;

const PROPOSAL = 'proposal:';
const POLICY = 'policy:';

export const proposalStream = (id: string): string => PROPOSAL + id;
export const policyStream = (name: string): string => POLICY + name;

/** What a stream is about. */
export function subjectOf(stream: string): { kind: 'proposal'; id: string } | { kind: 'policy'; name: string } {
  if (stream.startsWith(PROPOSAL)) return { kind: 'proposal', id: stream.slice(PROPOSAL.length) };
  return { kind: 'policy', name: stream.slice(POLICY.length) };
}

/** An event as it stands in the file. `at` never goes back along `position`. */
export interface Recorded<Event = GovernanceEvent> {
  readonly position: number;
  readonly stream: string;
  /** From 1, without gaps, in its stream. */
  readonly version: number;
  /** Milliseconds since the epoch, village time (shared/clock.ts). */
  readonly at: number;
  readonly event: Event;
}
