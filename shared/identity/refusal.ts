/**
 * Owns why a token was refused. The reason is for log and audit and travels as the `cause` of an AppError whose public text
 * is the same for all of them; it never holds a token or a part of one.
 */
import { AppError } from '../errors.ts';

export type RefusalReason =
  | 'missing'
  | 'malformed'
  | 'too_long'
  | 'header'
  | 'algorithm'
  | 'key'
  | 'signature'
  | 'claims'
  | 'issuer'
  | 'audience'
  | 'type'
  | 'expired'
  | 'not_yet_valid'
  | 'lifetime'
  | 'revoked'
  | 'reused'
  | 'revocations_unreadable';

export class TokenRefusal extends Error {
  override readonly name = 'TokenRefusal';
  readonly reason: RefusalReason;
  constructor(reason: RefusalReason, message: string, cause?: unknown) {
    super(message, { cause });
    this.reason = reason;
  }
}

/** UNAUTHENTICATED with the one public text and the precise reason as its cause. */
export function refused(reason: RefusalReason, message: string, cause?: unknown): AppError {
  return new AppError('UNAUTHENTICATED', { cause: new TokenRefusal(reason, message, cause) });
}

/** What a caller is told when nobody can know whether its token was revoked (A05: closed, and said so). */
export function revocationsUnreadable(): AppError {
  return new AppError('UNAUTHENTICATED', {
    text: 'The revocation list cannot be read, so no token is accepted; try again later',
    cause: new TokenRefusal('revocations_unreadable', 'the revocation list could not be read for more than a second'),
  });
}

/** The reason behind an error, for log and audit; undefined when it is no refusal of a token. */
export function refusalReason(error: unknown): RefusalReason | undefined {
  if (error instanceof TokenRefusal) return error.reason;
  return error instanceof AppError && error.cause instanceof TokenRefusal ? error.cause.reason : undefined;
}
