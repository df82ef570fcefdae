/** How the router and its servers are, from what they last did: no server is asked anything (O8, R3). */
import type { Router } from './router.ts';
import type { ServerState, UpstreamServer } from './upstreams/server.ts';

export type Health = 'healthy' | 'degraded' | 'unhealthy';

export interface ServiceState {
  readonly id: string;
  readonly status: Health;
  /** As in upstreams/server.ts. */
  readonly state: ServerState;
  /** ISO 8601. */
  readonly since: string;
  /** Why it is not healthy. */
  readonly problem: string | null;
  readonly starts: number;
  readonly calls_in_flight: number;
  readonly tools: number;
  readonly protocol_version: string | null;
}

export function serviceState(server: UpstreamServer): ServiceState {
  return {
    id: server.id,
    status: statusOf(server),
    state: server.state,
    since: new Date(server.since).toISOString(),
    problem: server.problem ?? null,
    starts: server.starts,
    calls_in_flight: server.peers().reduce((sum, peer) => sum + peer.inFlight, 0),
    tools: server.definitions.tools.length,
    protocol_version: server.initialized?.protocolVersion ?? null,
  };
}

function statusOf(server: UpstreamServer): Health {
  switch (server.state) {
    case 'ready':
      return server.problem === undefined ? 'healthy' : 'degraded';
    case 'idle':
      return 'healthy';
    case 'starting':
      return 'degraded';
    default:
      return 'unhealthy';
  }
}

/** Unhealthy when nothing can be called: no audit, or no server at all that works. */
export function health(router: Router): {
  status: Health;
  sessions: number;
  services: ServiceState[];
  audit: 'available' | 'unavailable';
} {
  const services = router.catalog.all().map(serviceState);
  const audit = router.audit.available ? 'available' : 'unavailable';
  const broken = services.filter(({ status }) => status !== 'healthy');
  const status = audit === 'unavailable' ? 'unhealthy' : broken.length === 0 ? 'healthy' : 'degraded';
  return { status, sessions: router.sessions.size, services, audit };
}
