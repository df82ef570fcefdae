/** Opens monitoring.db in the data folder. */
import path from 'node:path';
import { openStore, type Store } from '../../../shared/store.ts';
import { MIGRATIONS, type MonitoringTables } from './schema.ts';

export type MonitoringStore = Store<MonitoringTables>;

/** @throws StoreError */
export function openMonitoringStore(dataDir: string): Promise<MonitoringStore> {
  return openStore({ file: path.join(dataDir, 'monitoring.db'), migrations: MIGRATIONS });
}
