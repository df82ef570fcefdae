/** What the monitoring server's tools and resources work on. */
import type { RouterClient } from '../../shared/client/router-client.ts';
import type { Alerts } from './alerts/alerts.ts';
import type { AudioStreams } from './audio/streams.ts';
import type { Collector } from './collector.ts';
import type { Sampler } from './sampler.ts';
import type { TimeSeries } from './series.ts';
import type { MonitoringStore } from './store/open.ts';
import type { Webhooks } from './webhooks/webhooks.ts';

export interface MonitoringDeps {
  readonly sampler: Sampler;
  readonly collector: Collector;
  readonly series: TimeSeries;
  readonly alerts: Alerts;
  readonly webhooks: Webhooks;
  readonly store: MonitoringStore;
  readonly streams: AudioStreams;
  /** The way to the router; undefined when this server runs alone. */
  readonly router: RouterClient | undefined;
  /** Full paths whose sound files may be analysed. */
  readonly audioFolders: readonly string[];
  readonly dataDir: string;
  /** Milliseconds since the epoch. */
  readonly nowMs: () => number;
  readonly close: () => Promise<void>;
}
