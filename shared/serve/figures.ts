/**
 * What a server of ours that runs alone over HTTP counts of its requests, and its `/metrics` (O6). Plain numbers; printed by
 * shared/metrics when somebody asks.
 */
import { Durations } from '../metrics/durations.ts';
import { type Exposition, type Labels, openExposition } from '../metrics/exposition.ts';
import { processFamilies } from '../metrics/process-families.ts';

/** Every method that a server of ours answers is counted by name; what comes beyond is `other`. */
const MAX_METHODS = 50;

export interface RequestFigures {
  /** A request was answered. */
  done(method: string, isError: boolean, durationMs: number): void;
}

export interface ServerMetrics extends Exposition, RequestFigures {
  close(): void;
}

export function openServerMetrics(serverId: string, sessions: () => number): ServerMetrics {
  const durations = new Map<string, Durations>();
  const errors = new Map<string, number>();
  let process: ReturnType<typeof processFamilies> | undefined;
  let exposition: Exposition | undefined;
  const open = () => {
    process ??= processFamilies();
    return openExposition([
      {
        kind: 'histogram',
        name: 'aivillage_server_request_duration_seconds',
        help: 'Requests to this server by method, in seconds.',
        labels: ['server', 'method'],
        read: () => [...durations].map(([method, each]): [Labels, Durations] => [{ server: serverId, method }, each]),
      },
      {
        kind: 'counter',
        name: 'aivillage_server_request_errors_total',
        help: 'Requests to this server that were answered with an error, by method.',
        labels: ['server', 'method'],
        read: () => [...errors].map(([method, count]): [Labels, number] => [{ server: serverId, method }, count]),
      },
      {
        kind: 'gauge',
        name: 'aivillage_server_sessions',
        help: 'Open sessions of this server.',
        labels: ['server'],
        read: () => [[{ server: serverId }, sessions()]],
      },
      ...process.families,
    ]);
  };
  return {
    contentType: 'text/plain; version=0.0.4; charset=utf-8',
    text() {
      exposition ??= open();
      return exposition.text();
    },
    done(method, isError, durationMs) {
      const name = durations.has(method) || durations.size < MAX_METHODS ? method : 'other';
      const known = durations.get(name) ?? new Durations();
      durations.set(name, known);
      known.observe(durationMs);
      if (isError) errors.set(name, (errors.get(name) ?? 0) + 1);
    },
    close: () => process?.close(),
  };
}
