/**
 * Whose is a message that a server sends unasked? Over HTTP the stream says; over a shared pipe it is the only session with
 * a call in flight there; without any, the only session that ever used the connection. When none of this tells, it is
 * nobody's: better lost than shown to another client (DESIGN §5).
 */
import type { Call } from '../call.ts';
import type { Session } from '../session.ts';
import type { Peer } from '../upstreams/peer.ts';

export interface Owner {
  readonly session: Session;
  /** The call that it belongs to, where that is known. */
  readonly call: Call | undefined;
}

/** @param call the one whose stream carried the message, where there is one */
export function ownerOf(peer: Peer, call: Call | undefined): Owner | undefined {
  if (call !== undefined) return { session: call.session, call };
  const calls = peer.calls();
  const session = peer.session ?? calls[0]?.session ?? peer.onlyUser;
  if (session === undefined || calls.some((each) => each.session !== session)) return undefined;
  return { session, call: calls.at(-1) };
}

/**
 * The same for what a client is to answer. A call that another session gave up counts too, while its server may still be
 * working on it: a person must not be asked what is not theirs to answer.
 */
export function ownerOfQuestion(peer: Peer, carrier: Call | undefined): Owner | undefined {
  const owner = ownerOf(peer, carrier);
  const isSure = carrier !== undefined || peer.callsGivenUp().every(({ session }) => session === owner?.session);
  return isSure ? owner : undefined;
}
