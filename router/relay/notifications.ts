/** What a server says unasked, to whom it belongs. Lists that changed and progress are handled before this. */
import { z } from 'zod';
import type { Octets } from '../../shared/json/octets.ts';
import { stringifyOctets } from '../../shared/json/octets.ts';
import type { Call } from '../call.ts';
import { type Message, octetsOf, parseParams } from '../message.ts';
import type { Router } from '../router.ts';
import type { Peer } from '../upstreams/peer.ts';
import type { UpstreamServer } from '../upstreams/server.ts';
import { ownerOf } from './belongs.ts';
import { isLogMessage, wants } from './logging.ts';
import { withdrawn } from './questions.ts';
import { resourceUpdated } from './subscriptions.ts';

/**
 * What a server on stdio sends for lack of a stream that it could end itself: `{requestId, retryMs}`. The client lets go of the
 * connection of that call and asks again after so long, as if the server had ended its own stream (SEP-1699).
 */
const CLOSE_STREAM = 'notifications/io.aivillage/close_stream';
const closeStreamParams = z.looseObject({ requestId: z.int(), retryMs: z.int().min(0).max(60_000) });

export function told(
  router: Router,
  server: UpstreamServer,
  peer: Peer,
  message: Message,
  carrier: Call | undefined,
): void {
  switch (message.method) {
    case 'notifications/resources/updated':
      resourceUpdated(router, server, peer, message);
      return;
    case 'notifications/cancelled':
      withdrawn(router, peer, message);
      return;
    case CLOSE_STREAM:
      closeStream(peer, message);
      return;
    default:
      passOn(peer, message, carrier);
  }
}

function closeStream(peer: Peer, message: Message): void {
  const params = closeStreamParams.safeParse(parseParams(message)).data;
  if (params !== undefined) peer.callOf(params.requestId)?.exchange.pause?.(params.retryMs);
}

function passOn(peer: Peer, message: Message, carrier: Call | undefined): void {
  const owner = ownerOf(peer, carrier);
  if (owner === undefined) return;
  const { session, call } = owner;
  if (isLogMessage(message) && !wants(session, message)) return;
  const params = message.params === undefined ? '' : `,"params":${octetsOf(message.text, message.params)}`;
  const text = `{"jsonrpc":"2.0","method":${stringifyOctets(message.method)}${params}}` as Octets;
  if (call === undefined) session.send(text);
  else call.exchange.send(text);
}
