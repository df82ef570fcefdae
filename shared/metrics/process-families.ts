/** What every process of the village tells of itself: processor, memory, start, and how late its event loop runs. */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Family, Labels } from './exposition.ts';

const NONE: Labels = {};
const QUANTILES = [
  ['0.5', 50],
  ['0.99', 99],
] as const;
const LOOK_EVERY_MS = 20;

/** Begins to watch the event loop; `close` ends that. */
export function processFamilies(): { readonly families: readonly Family[]; close(): void } {
  const delay = monitorEventLoopDelay({ resolution: LOOK_EVERY_MS });
  delay.enable();
  const startedAt = (Date.now() - process.uptime() * 1_000) / 1_000;
  const gauge = (name: string, help: string, read: () => number): Family => ({
    kind: 'gauge',
    name,
    help,
    labels: [],
    read: () => [[NONE, read()]],
  });
  const families: Family[] = [
    {
      kind: 'counter',
      name: 'process_cpu_seconds_total',
      help: 'Processor time of this process, user and system, in seconds.',
      labels: [],
      read: () => {
        const { user, system } = process.cpuUsage();
        return [[NONE, (user + system) / 1e6]];
      },
    },
    gauge('process_resident_memory_bytes', 'Memory of this process, in bytes.', () => process.memoryUsage.rss()),
    gauge('process_start_time_seconds', 'When this process started, in seconds since the epoch.', () => startedAt),
    gauge('nodejs_heap_used_bytes', 'Heap in use by JavaScript, in bytes.', () => process.memoryUsage().heapUsed),
    {
      kind: 'gauge',
      name: 'nodejs_event_loop_delay_seconds',
      help: 'How late the event loop ran since the last scrape, in seconds, by share of the looks.',
      labels: ['share'],
      read: () => {
        const read = QUANTILES.map(([share, percentile]): [Labels, number] => {
          // What is measured is the time between two looks, which is one resolution when nothing is late.
          const ms = delay.count === 0 ? 0 : delay.percentile(percentile) / 1e6 - LOOK_EVERY_MS;
          return [{ share }, Math.max(0, ms) / 1_000];
        });
        delay.reset();
        return read;
      },
    },
  ];
  return {
    families,
    close: () => {
      delay.disable();
    },
  };
}
