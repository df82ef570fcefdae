/** What the parts of a running router share. Made by main.ts; holds no logic. */
import type { Logger } from '../shared/logger.ts';
import type { Matrix } from '../shared/matrix/matrix.ts';
import type { Tickets } from './approval/ticket.ts';
import type { UsedApprovals } from './approval/used-approvals.ts';
import type { AuditLog } from './audit/audit-log.ts';
import type { Catalog } from './catalog/catalog.ts';
import type { CoarseTimer } from './coarse-timer.ts';
import type { DefinitionGuard } from './definitions/guard.ts';
import type { Backlog } from './doors/backlog.ts';
import type { Events } from './events/events.ts';
import type { Identity } from './identity.ts';
import type { Limits } from './limits/limits.ts';
import type { AnswerCache } from './line/cache.ts';
import type { Figures } from './metrics/figures.ts';
import type { Metrics } from './metrics/metrics.ts';
import type { Sessions } from './sessions.ts';
import type { EmergencyStop } from './stop/emergency-stop.ts';
import type { ToolRecords } from './tools/records.ts';
import type { Tracer } from './tracing/tracer.ts';

export interface RouterSettings {
  readonly defaultTimeoutMs: number;
  /** A call ends after so long, whatever progress says. */
  readonly maxTimeoutMs: number;
  readonly maxMessageBytes: number;
  /** Between two signs of life on an open stream. */
  readonly heartbeatMs: number;
  /** A WebSocket that is idle for so long is closed. */
  readonly connectionTimeoutMs: number;
  /** Sessions of all servers begin in lean mode (R9). */
  readonly lean: boolean;
  /** Items on one page of the router's own lists. */
  readonly pageSize: number;
  /** A list waits for servers that are starting, but not longer. */
  readonly firstListWaitMs: number;
}

export interface Router {
  readonly name: string;
  readonly version: string;
  /** Those in force; replaced whole when the configuration changes. */
  settings: RouterSettings;
  readonly catalog: Catalog;
  readonly definitions: DefinitionGuard;
  readonly sessions: Sessions;
  readonly identity: Identity;
  /** The one in force; replaced whole when the configuration changes. */
  matrix: Matrix;
  readonly audit: AuditLog;
  readonly stop: EmergencyStop;
  readonly limits: Limits;
  readonly screening: { readonly isOn: () => boolean };
  readonly toolRecords: ToolRecords;
  readonly tickets: Tickets;
  readonly approvals: UsedApprovals;
  readonly cache: AnswerCache;
  readonly timer: CoarseTimer;
  /** What waits for clients that do not read. */
  readonly backlog: Backlog;
  readonly log: Logger;
  readonly figures: Figures;
  readonly events: Events;
  readonly metrics: Metrics;
  /** While an endpoint for traces is set. */
  tracer: Tracer | undefined;
}
