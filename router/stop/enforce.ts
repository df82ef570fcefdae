/**
 * What the stops in force do to a running router: calls in flight end, servers are sent nothing more, and after a grace
 * their processes are killed (E2). Whether a call may start is line/check-stop.ts's.
 */
import { stringifyOctets } from '../../shared/json/octets.ts';
import { OWN_ID } from '../config/server-entry.ts';
import { reachOf } from '../line/check-stop.ts';
import type { Router } from '../router.ts';
import { covers, coversServer, type Stop, stopped } from './stops.ts';

/**
 * Call it whenever the stops, or the servers, are others.
 * @param graceMs from the cancellation of calls to the end of processes (MCP_EMERGENCY_STOP_TIMEOUT)
 */
export function enforce(router: Router, graceMs: number): void {
  const { stops } = router.stop;
  for (const stop of stops) endCalls(router, stop);
  for (const server of router.catalog.all()) {
    if (server.id === OWN_ID) continue;
    if (stops.some((stop) => coversServer(stop, server.id))) server.halt();
    else if (server.state === 'halted') {
      server.unhalt();
      server.start().catch(() => undefined);
    }
  }
  if (stops.length > 0) {
    setTimeout(() => {
      for (const server of router.catalog.all()) server.killHalted();
    }, graceMs).unref();
  }
}

function endCalls(router: Router, stop: Stop): void {
  const reason = stringifyOctets('emergency stop');
  for (const session of router.sessions.all()) {
    for (const call of session.calls.values()) if (covers(stop, reachOf(call, router))) call.end(stopped(stop), reason);
  }
}
