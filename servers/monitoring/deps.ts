/** What the monitoring server's tools and resources work on. */
import type { Sampler } from './sampler.ts';

export interface MonitoringDeps {
  readonly sampler: Sampler;
  /** Milliseconds since the epoch. */
  readonly nowMs: () => number;
}
