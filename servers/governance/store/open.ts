/** Opens governance.db: the event log, the look-up table and the write transaction with village time. Decides nothing. */
import path from 'node:path';
import type { Clock } from '../../../shared/clock.ts';
import { openStore } from '../../../shared/store.ts';
import { createEventLog, type EventLog } from './event-log.ts';
import { createProposalIndex, type ProposalIndex } from './proposal-index.ts';
import { migrations, type Tables } from './schema.ts';

export interface GovernanceStore {
  readonly log: EventLog;
  readonly index: ProposalIndex;
  /** Where the lock files of running executions lie (owner.ts). */
  readonly ownersFolder: string;
  /** Village time now, never before the last event. */
  now(): number;
  /** One writer at a time over all processes; `now` is the time of everything written in `work`. */
  write<T>(work: (now: number) => T): T;
  /** A number that changes when another connection has written. */
  dataVersion(): number;
  close(): Promise<void>;
}

/**
 * Waits for the disk at each commit: an execution that was started must not be forgotten by a power loss.
 * @throws StoreError when the file is newer than the code
 */
export async function openGovernanceStore(dataDir: string, clock: Clock): Promise<GovernanceStore> {
  const file = path.join(dataDir, 'governance.db');
  const store = await openStore<Tables>({ file, migrations, durability: 'full', busyTimeoutMs: 10_000 });
  const log = createEventLog(store);
  const now = () => clock.atLeast(log.lastAt());
  return {
    log,
    index: createProposalIndex(store),
    ownersFolder: path.join(dataDir, 'governance.owners'),
    now,
    write: (work) => store.transaction(() => work(now())),
    dataVersion: () => store.connection.pragma('data_version', { simple: true }) as number,
    close: () => store.close(),
  };
}
