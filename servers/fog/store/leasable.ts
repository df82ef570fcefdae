/** What an offer and a contract on it both say of the machine and its price: the columns and the fields of it. */
import type { Selectable } from 'kysely';
import type { Micro } from '../../../shared/fog-amount.ts';
import type { MoneyTables } from './money-tables.ts';

export interface Leasable {
  readonly provider: string;
  readonly nodeId: string;
  readonly cpuCores: number;
  readonly memoryMb: number;
  readonly gpu: boolean;
  readonly cpuHourPrice: Micro;
  readonly gbHourPrice: Micro;
}

type Row = Selectable<MoneyTables['offers']> | Selectable<MoneyTables['contracts']>;

export function leasableRow(one: Leasable) {
  return {
    provider: one.provider,
    node_id: one.nodeId,
    cpu_cores: one.cpuCores,
    memory_mb: one.memoryMb,
    gpu: one.gpu ? 1 : 0,
    cpu_hour_price: one.cpuHourPrice,
    gb_hour_price: one.gbHourPrice,
  };
}

export function toLeasable(row: Row): Leasable {
  return {
    provider: row.provider,
    nodeId: row.node_id,
    cpuCores: row.cpu_cores,
    memoryMb: row.memory_mb,
    gpu: row.gpu === 1,
    cpuHourPrice: BigInt(row.cpu_hour_price),
    gbHourPrice: BigInt(row.gb_hour_price),
  };
}
