/** What the router's own tools work on. */
import type { Level } from '../../shared/identity/levels.ts';
import type { Router } from '../router.ts';
import type { ServiceRegistry } from './service-registry.ts';

export interface OwnServerDeps {
  readonly router: Router;
  readonly dataDir: string;
  readonly checkpointDir: string;
  readonly registry: ServiceRegistry;
  /** Names of the configuration. */
  readonly agents: () => readonly string[];
  /** What an agent that has no token at hand would get: its level and permissions by the configuration. */
  readonly rightsOf: (
    agentId: string,
  ) => { readonly level: Level; readonly permissions: readonly string[] } | undefined;
}
