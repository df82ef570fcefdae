/** `/metrics` and the resource `village://metrics`: the router's figures as Prometheus text, to who may read them. */
import type { Caller } from '../../shared/identity/caller.ts';
import { type Exposition, openExposition } from '../../shared/metrics/exposition.ts';
import { processFamilies } from '../../shared/metrics/process-families.ts';
import { OWN_ID } from '../config/server-entry.ts';
import type { Router } from '../router.ts';
import { routerFamilies } from './families.ts';

export const METRICS_URI = 'village://metrics';
const TARGET = { kind: 'resource', uri: METRICS_URI, serverId: OWN_ID } as const;

export interface Metrics extends Exposition {
  /** By the row of the resource, over HTTP too: names of servers and tools are in it. */
  mayRead(caller: Caller): boolean;
  close(): void;
}

export function openMetrics(router: Router): Metrics {
  const process = processFamilies();
  const exposition = openExposition([...routerFamilies(router), ...process.families]);
  return {
    ...exposition,
    mayRead: (caller) => router.matrix.decide(caller, TARGET).allowed,
    close: process.close,
  };
}
