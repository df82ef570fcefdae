/** What a gated call answers while it waits for votes: read from the result's `_meta` (G5). */
import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js';
import { z } from 'zod';
import { AppError } from '../shared/errors.ts';

const META_KEY = 'io.aivillage/approval';

const approvalSchema = z.looseObject({
  proposalId: z.string(),
  status: z.string(),
  expiresAt: z.string().nullable(),
});

export type Approval = z.output<typeof approvalSchema>;

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
