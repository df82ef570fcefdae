/** Orders to stop and to resume, whoever gives them by whatever way, and their records (D1). */
import type { AuditLog } from '../audit/audit-log.ts';
import type { EmergencyStop, Ordered } from './emergency-stop.ts';

export interface OrderDeps {
  readonly stop: Pick<EmergencyStop, 'stop' | 'resume' | 'stops'>;
  readonly audit: Pick<AuditLog, 'append'>;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

interface Order {
  /** Undefined, for a resume: all of them. */
  readonly scope: string | undefined;
  /** Why: the reason of a stop, the justification of a resume. */
  readonly why: string;
  readonly by: string;
  readonly via: 'tool' | 'rest' | 'command';
}

export interface Executed extends Ordered {
  /** False when the audit could not be written: a stop holds nevertheless. */
  readonly isRecorded: boolean;
}

/** Stops first and records then: an audit that cannot be written keeps nothing running. */
export async function orderStop({ stop, audit, now }: OrderDeps, order: Order): Promise<Executed> {
  const scope = order.scope ?? 'all';
  const ordered = await stop.stop({ scope, reason: order.why, by: order.by, at: now() });
  const { by: agent, why: reason, via } = order;
  const isRecorded = await audit.append({ kind: 'stop', agent, reason, details: { scope, via } }).then(
    () => true,
    () => false,
  );
  return { ...ordered, isRecorded };
}

/** Records first: what cannot be recorded does not resume. Throws AppError AUDIT_UNAVAILABLE. */
export async function orderResume({ stop, audit }: OrderDeps, order: Order): Promise<Executed> {
  const { by: agent, why: reason, via } = order;
  await audit.append({ kind: 'resume', agent, reason, details: { scope: order.scope ?? 'all of them', via } });
  return { ...(await stop.resume(order.scope)), isRecorded: true };
}
