/** Log messages of servers: each session gets those at its level, and only those that concern it (DESIGN §5). */
import { z } from 'zod';
import { AppError } from '../../shared/errors.ts';
import { stringifyOctets } from '../../shared/json/octets.ts';
import { type Message, memberOf, octetsOf, parseParams } from '../message.ts';
import type { Router } from '../router.ts';
import type { Session } from '../session.ts';
import type { Peer } from '../upstreams/peer.ts';
import type { UpstreamServer } from '../upstreams/server.ts';
import { seesAnyOf } from './sees.ts';

/** From least to most severe (RFC 5424, as MCP lists them). */
const LEVELS = ['debug', 'info', 'notice', 'warning', 'error', 'critical', 'alert', 'emergency'] as const;
export type LogLevel = (typeof LEVELS)[number];

const setLevelParams = z.looseObject({ level: z.enum(LEVELS) });

/** What each connection was last asked for. */
const asked = new WeakMap<Peer, LogLevel>();

/** `logging/setLevel`: kept for the session; the servers are asked for the most verbose level that anyone wants. */
export function setLevel(router: Router, session: Session, message: Message): void {
  const params = setLevelParams.safeParse(parseParams(message));
  if (!params.success) throw new AppError('INVALID_PARAMS', { text: `level must be one of ${LEVELS.join(', ')}` });
  session.logLevel = params.data.level;
  askLevels(router, session);
}

/** What this session wants changed, or it is over: each server is asked for what is now the most verbose level. */
export function askLevels(router: Router, session: Session): void {
  for (const server of router.catalog.view(session.endpoint).servers) {
    if (!seesAnyOf(router, session, server)) continue;
    for (const peer of server.peers()) askLevel(router, server, peer);
  }
}

/** Tells a connection the level that those want who may use its server, if one wants any. */
export function askLevel(router: Router, server: UpstreamServer, peer: Peer): void {
  if (!('logging' in peer.initialized.capabilities)) return;
  const sessions = peer.session === undefined ? router.sessions.all() : [peer.session];
  const wanted = sessions
    .filter(({ logLevel, endpoint }) => logLevel !== undefined && (endpoint ?? server.id) === server.id)
    .filter((session) => seesAnyOf(router, session, server))
    .map(({ logLevel }) => LEVELS.indexOf(logLevel!));
  const level = LEVELS[Math.min(...wanted)];
  if (level === undefined || asked.get(peer) === level) return;
  asked.set(peer, level);
  const { defaultTimeoutMs } = router.settings;
  peer
    .request('logging/setLevel', stringifyOctets({ level }), { timeoutMs: defaultTimeoutMs, maxMs: defaultTimeoutMs })
    .catch(() => {
      // It keeps the level it has, and is asked anew when a level changes; what it sends is filtered anyway.
      asked.delete(peer);
    });
}

/** Whether a session wants a log message: one that set no level gets all, as a server is free to choose (MCP, "Logging"). */
export function wants(session: Session, message: Message): boolean {
  if (session.logLevel === undefined) return true;
  const level = memberOf(message.params, 'level');
  if (level === undefined) return true;
  const name = octetsOf(message.text, level).slice(1, -1) as LogLevel;
  return LEVELS.indexOf(name) >= LEVELS.indexOf(session.logLevel);
}

const LOG_MESSAGE = 'notifications/message';

export function isLogMessage(message: { method: string }): boolean {
  return message.method === LOG_MESSAGE;
}
