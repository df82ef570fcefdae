/** The audit of the data folder, opened for one piece of work of a command and closed behind it. A router may run beside it. */
import type { AuditLog } from '../audit/audit-log.ts';
import type { CliContext } from './context.ts';

/** Opened late: most commands never need it, and some must do their work before it can fail. */
export async function withAudit<T>(
  { settings, now }: Pick<CliContext, 'settings' | 'now'>,
  work: (audit: AuditLog) => Promise<T>,
): Promise<T> {
  const { openAuditLog } = await import('../audit/audit-log.ts');
  const { dataDir, checkpointDir, auditDurability: durability, auditRetentionDays: retentionDays } = settings();
  const audit = await openAuditLog({ dataDir, checkpointDir, durability, retentionDays, now });
  try {
    return await work(audit);
  } finally {
    await audit.close();
  }
}
