/** What identity reports, as audit records. */
import type { IdentityAudit, IdentityEvent } from '../../shared/identity/events.ts';
import type { AuditLog } from './audit-log.ts';
import type { AuditEntry, AuditKind } from './entry.ts';

const KINDS: Readonly<Record<IdentityEvent['event'], AuditKind>> = {
  auth_login: 'login',
  auth_refresh: 'token_refreshed',
  auth_logout: 'logout',
  auth_denied: 'auth_denied',
  token_issued: 'token_issued',
  token_revoked: 'token_revoked',
  user_added: 'config_changed',
  user_removed: 'config_changed',
};

/** Records each event before it takes effect: a record that cannot be written refuses it. */
export function identityEvents(audit: AuditLog): IdentityAudit {
  return async (event) => {
    await audit.append(entryOf(event));
  };
}

function entryOf({ event, outcome, agentId, tokenId, reason, clientKey }: IdentityEvent): AuditEntry {
  return {
    kind: KINDS[event],
    outcome: outcome === 'allowed' ? 'ok' : 'denied',
    agent: agentId,
    tokenId,
    reason,
    details: { event, ...(clientKey === undefined ? {} : { from: clientKey }) },
  };
}
