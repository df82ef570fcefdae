/** Step 4: a call that needs a vote does not pass without one. While no governance server can take the vote, it is refused. */
import { AppError } from '../../shared/errors.ts';
import type { Allowed } from '../../shared/matrix/decide.ts';

/** Throws AppError APPROVAL_REQUIRED. */
export function requireApproval({ approval }: Allowed): void {
  if (approval === undefined) return;
  throw new AppError('APPROVAL_REQUIRED', {
    text: `This call needs an approved proposal of type ${approval}, and no governance server is there to take the votes`,
    data: { approval },
  });
}
