/** How the router and its servers are, from what they last did: no server is asked anything (O8, R3). */
import type { Router } from './router.ts';
import type { Copy } from './upstreams/copy.ts';
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
  /** What it sent since it was started that is no message. */
  readonly bad_messages: number;
  readonly protocol_version: string | null;
  readonly copies: readonly CopyState[];
}

/** One of its copies. */
export interface CopyState {
  /** From 1. */
  readonly copy: number;
  readonly state: ServerState;
  /** It answered when it was last asked; null while there is no connection. */
  readonly answers: boolean | null;
  /** No calls are sent to it: they failed in a row (`open`), or far more often than at the others (`ejected`). */
  readonly breaker: 'closed' | 'open' | 'ejected';
  readonly problem: string | null;
  readonly starts: number;
  readonly calls_in_flight: number;
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
    bad_messages: server.peers().reduce((sum, peer) => sum + peer.badMessages, 0),
    protocol_version: server.initialized?.protocolVersion ?? null,
    copies: server.copies.map(copyState),
  };
}

function copyState({ number, state, liveness, tally, problem, starts, peer, inFlight }: Copy): CopyState {
  const isEjected = tally.ejectedUntil > performance.now();
  return {
    copy: number,
    state,
    answers: peer === undefined ? null : liveness.answers,
    breaker: liveness.isOpen ? 'open' : isEjected ? 'ejected' : 'closed',
    problem: problem ?? null,
    starts,
    calls_in_flight: inFlight,
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

export interface RouterHealth {
  /** Unhealthy when nothing can be called: no call without a record, none without a known token. */
  readonly status: Health;
  readonly sessions: number;
  readonly services: readonly ServiceState[];
  readonly audit: 'available' | 'unavailable';
  /** Whether it can be known which tokens hold. */
  readonly identity: 'available' | 'unavailable';
}

export function health(router: Router): RouterHealth {
  const services = router.catalog.all().map(serviceState);
  const audit = router.audit.available ? 'available' : 'unavailable';
  const identity = router.identity.available ? 'available' : 'unavailable';
  const broken = services.some(({ status }) => status !== 'healthy');
  const isStopped = audit === 'unavailable' || identity === 'unavailable';
  const status = isStopped ? 'unhealthy' : broken ? 'degraded' : 'healthy';
  return { status, sessions: router.sessions.size, services, audit, identity };
}
