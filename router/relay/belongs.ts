/**
 * Whose is a message that a server sends unasked? Over HTTP the stream says; over a shared pipe it is the only session with
 * a call in flight there; otherwise the only session that used the connection. When none of this tells, it is nobody's:
 * better lost than shown to another client (DESIGN §5).
 */
import type { Call } from '../call.ts';
import type { Router } from '../router.ts';
import type { Session } from '../session.ts';
import type { Peer } from '../upstreams/peer.ts';

export interface Owner {
  readonly session: Session;
  /** The call that it belongs to, where that is known. */
  readonly call: Call | undefined;
}

export function ownerOf(router: Router, peer: Peer, call: Call | undefined): Owner | undefined {
  if (call !== undefined) return { session: call.session, call };
  const calls = peer.calls();
  const session = peer.session ?? calls[0]?.session;
  if (session !== undefined) {
    const own = calls.filter((each) => each.session === session);
    return own.length === calls.length ? { session, call: own.at(-1) } : undefined;
  }
  const users = router.sessions.all().filter((each) => each.used.has(peer));
  return users.length === 1 ? { session: users[0]!, call: undefined } : undefined;
}
