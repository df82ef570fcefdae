/** Step 1: the caller's token still holds. The door verified it; a session may have outlived it since. */
import type { Call } from '../call.ts';
import type { Identity } from '../identity.ts';

/** Throws AppError UNAUTHENTICATED. */
export function authenticate(call: Call, identity: Identity): void {
  identity.check(call.caller);
}
