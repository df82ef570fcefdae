/** Owns the record of a caller that showed no token, or none that holds (A01). Never the token. */
import type { AppError } from '../../shared/errors.ts';
import { refusalReason } from '../../shared/identity/refusal.ts';
import type { Router } from '../router.ts';

/** @param from where it came from, as far as that is known */
export function recordRefusal(
  { audit, log }: Router,
  { method, from }: { readonly method: string | undefined; readonly from: string },
  error: AppError,
): void {
  const why = error.cause instanceof Error ? { why: error.cause.message } : {};
  audit
    .append({ kind: 'auth_denied', outcome: 'denied', method, reason: refusalReason(error), details: { ...why, from } })
    .catch(() => log.error('a refusal could not be recorded'));
}
