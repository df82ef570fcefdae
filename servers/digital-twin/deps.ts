/** What the digital twin's tools, resources and prompts work on. */
import type { Privacy } from '../../shared/privacy/privacy.ts';
import type { createElevate, Send } from './elevation/elevate.ts';
import type { Twins } from './twins.ts';

export interface TwinDeps {
  readonly twins: Twins;
  /** The detectors, loaded at the first use. */
  readonly privacy: () => Promise<Privacy>;
  readonly elevate: ReturnType<typeof createElevate>;
  /** The way to HyperRAG; undefined when this server runs without the router. */
  readonly send: Send | undefined;
  /** The policy `knowledge.retention_days` as it is now. */
  readonly retentionDays: () => number;
  /** Milliseconds since the epoch. */
  readonly nowMs: () => number;
  /** Ends timers, stores and connections. */
  readonly close: () => Promise<void>;
}
