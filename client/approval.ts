/** What a gated call answers while it waits for votes, read from the result's `_meta` (G5); and waiting for them. */
import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js';
import { z } from 'zod';
import { AppError } from '../shared/errors.ts';
import { type Attempts, pause } from './attempts.ts';
import { type Arguments, type CallOptions, sendCall } from './call.ts';

const META_KEY = 'io.aivillage/approval';

const approvalSchema = z.looseObject({
  proposalId: z.string(),
  status: z.string(),
  expiresAt: z.string().nullable(),
});

export type Approval = z.output<typeof approvalSchema>;

const DAY_MS = 86_400_000;
/** A router answers one that waits for a vote after ten minutes at most. */
const LONGEST_WAIT_MS = 11 * 60_000;
const SHORTEST_BETWEEN_QUESTIONS_MS = 2_000;

/** Statuses behind which an outcome may still come. */
const UNDECIDED = new Set(['voting_ongoing', 'approved', 'executing']);

/** undefined when the result is none of a gated call. */
export function approvalOf({ _meta }: CallToolResult): Approval | undefined {
  const parsed = approvalSchema.safeParse(_meta?.[META_KEY]);
  return parsed.success ? parsed.data : undefined;
}

export function isUndecided({ status }: Approval): boolean {
  return UNDECIDED.has(status);
}

/** The proposal's id, its status and its end are the error's data. */
export function approvalRequired({ proposalId, status, expiresAt }: Approval, text: string): AppError {
  return new AppError('APPROVAL_REQUIRED', { text, data: { proposalId, status, expiresAt } });
}

/**
 * The same call asked again: it is one and the same proposal until its outcome was told, so it may be sent as often as it
 * takes. With a progress token the router answers when there is something to say.
 */
export async function awaitApproval(
  attempts: Attempts,
  name: string,
  args: Arguments,
  options: CallOptions,
  first: Approval,
): Promise<CallToolResult> {
  const until = performance.now() + (options.approvalTimeoutMs ?? DAY_MS);
  const waiting = { ...options, onProgress: options.onProgress ?? (() => undefined) };
  let latest = first;
  for (;;) {
    const leftMs = until - performance.now();
    if (leftMs <= 0) throw approvalRequired(latest, 'Nobody decided in the time that was given; the proposal goes on');
    const asked = performance.now();
    const timeoutMs = Math.min(leftMs, LONGEST_WAIT_MS);
    const work = { what: name, isRepeatable: true, timeoutMs, signal: options.signal };
    let result: CallToolResult | undefined;
    try {
      result = await attempts.perform(work, (live, ms) => sendCall(live, name, args, waiting, ms));
    } catch (error) {
      if (!(error instanceof AppError) || error.kind !== 'TIMEOUT') throw error;
    }
    if (result !== undefined) {
      const approval = approvalOf(result);
      if (approval === undefined || !isUndecided(approval)) return result;
      latest = approval;
      options.onApproval?.(approval);
    }
    await pause(SHORTEST_BETWEEN_QUESTIONS_MS - (performance.now() - asked), options.signal);
  }
}
