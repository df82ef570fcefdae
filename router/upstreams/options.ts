/** What an upstream server is made from. Types only; server-factory.ts fills them in. */
import type { AppError } from '../../shared/errors.ts';
import type { Logger } from '../../shared/logger.ts';
import type { SecurityProfile } from '../../shared/matrix/profile.ts';
import type { Background, Work } from '../background.ts';
import type { Call } from '../call.ts';
import type { Item, ListName } from '../catalog/definitions.ts';
import type { CoarseTimer } from '../coarse-timer.ts';
import type { Message } from '../message.ts';
import type { ClientInfo } from './handshake.ts';
import type { ListLimits } from './list-all.ts';
import type { OwnAssertion } from './own-assertion.ts';
import type { Peer, PeerEvents } from './peer.ts';
import type { Restarts } from './restarts.ts';
import type { UpstreamServer } from './server.ts';
import type { StrategyName } from './strategies.ts';
import type { Transport } from './transport.ts';

export type Profile = Pick<SecurityProfile, 'risk_level' | 'allowed_operations' | 'require_authentication'>;

export interface ServerOptions {
  readonly id: string;
  /** Before the names of its tools and prompts where servers are merged. */
  readonly prefix: string;
  readonly isolation: 'shared' | 'session';
  /** One of our own, started by us from this installation. */
  readonly isBuiltIn: boolean;
  /** Whether the caller's assertion travels with each call: in `_meta` (stdio), or as the bearer token (HTTP). */
  readonly assertion: 'meta' | 'bearer' | undefined;
  /** The router's own assertion, for what it asks of such a server for itself. */
  readonly ownAssertion: OwnAssertion;
  readonly timeoutMs: number | undefined;
  readonly startTimeoutMs: number | undefined;
  /** Between two questions whether it still answers. */
  readonly healthCheckMs: number;
  /** After so long without a use its connections are let go, until the next use. Undefined: never. */
  readonly idleMs: number | undefined;
  /** Whether somebody waits for what it may say unasked. */
  readonly isAwaited: () => boolean;
  /** Calls that it runs at a time; more wait. Undefined: as many as come. */
  readonly maxConcurrent: number | undefined;
  /** What it may be used for, by whom, and how far it is trusted (M6). */
  readonly profile: Profile | undefined;
  /** Calls a minute, of all callers together. */
  readonly rateLimit: number | undefined;
  /** At least one. */
  readonly copies: readonly CopyOptions[];
  readonly strategy: StrategyName;
  readonly timer: CoarseTimer;
  readonly background: Background;
  readonly restarts: Restarts;
  readonly clientInfo: ClientInfo;
  readonly listLimits: ListLimits;
  readonly log: Logger;
  readonly events: ServerEvents;
  /** The emergency stop that keeps everything from it, if one does: then it is neither started nor sent anything. */
  readonly stopped: () => AppError | undefined;
}

export interface CopyOptions {
  /** Its share of the calls under `priority-weighted`. */
  readonly priority: number;
  /** The ways to reach it, tried in this order at each start. */
  readonly ways: readonly Way[];
}

/** Makes a new, unstarted transport; `assertionOf` tells the assertion that goes with a request. */
export type Way = (assertionOf: (requestId: number | undefined) => string | undefined) => Transport;

export interface ServerEvents {
  onRequest: PeerEvents['onRequest'];
  onNotification(server: UpstreamServer, peer: Peer, message: Message, call: Call | undefined): void;
  /** Looks at what it lists, before anything of it is shown. */
  review(server: UpstreamServer, list: ListName, items: readonly Item[], work: Work): Promise<void>;
  /** A list now shows something else. */
  onListChanged(server: UpstreamServer, list: ListName, before: readonly Item[]): void;
  onStateChanged(server: UpstreamServer): void;
  /** A connection was made, the first or a new one: what its sessions wanted of the last one is not known on it. */
  onConnected(server: UpstreamServer, peer: Peer): void;
}
