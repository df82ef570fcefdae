/**
 * What a caller may learn of others by this server, which itself may read all of the audit: no more than the audit would tell
 * that caller. And who may change alerts and webhooks.
 */
import { AppError } from '../../shared/errors.ts';
import type { Caller } from '../../shared/identity/caller.ts';
import { LEVELS } from '../../shared/identity/levels.ts';
import { permits } from '../../shared/identity/roles.ts';

/** As the row of audit_query says it: others see their own calls only. */
export function seesAllCalls({ level, permissions }: Caller): boolean {
  return level >= LEVELS.GOVERNANCE && permits(permissions, 'audit:read');
}

/** @throws AppError FORBIDDEN */
export function admitChange({ level, permissions }: Caller): void {
  if (level >= LEVELS.OPERATOR && permits(permissions, 'monitoring:manage_alerts')) return;
  throw new AppError('FORBIDDEN', {
    text: 'Changing alerts and webhooks needs level OPERATOR and the permission monitoring:manage_alerts',
  });
}
