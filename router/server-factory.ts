/** Makes the running thing of each configured server, wired to the relay. */
import type { Caller } from '../shared/identity/caller.ts';
import { LEVELS } from '../shared/identity/levels.ts';
import type { Logger } from '../shared/logger.ts';
import type { Settings } from '../shared/settings.ts';
import { Background } from './background.ts';
import { reviewedOf } from './catalog/catalog.ts';
import { prefixOf, type ServerConfig } from './config/config.ts';
import { healthEvents } from './events/sources.ts';
import { listChanged } from './relay/list-changes.ts';
import { askLevel } from './relay/logging.ts';
import { told } from './relay/notifications.ts';
import { ask } from './relay/questions.ts';
import { isSubscribedTo, renewSubscriptions } from './relay/subscriptions.ts';
import type { Router } from './router.ts';
import { stopped } from './stop/stops.ts';
import { copiesOf } from './upstreams/open-transport.ts';
import type { ServerEvents, Way } from './upstreams/options.ts';
import { Restarts } from './upstreams/restarts.ts';
import { UpstreamServer } from './upstreams/server.ts';

export interface ServerFactory {
  configured(config: ServerConfig): UpstreamServer;
  /** One that is not in the configuration: the router's own. */
  own(options: { readonly id: string; readonly ways: readonly Way[] }): UpstreamServer;
}

interface FactoryOptions {
  readonly router: Router;
  readonly settings: Settings;
  /** The public key by which servers verify assertions. */
  readonly assertionKey: string;
  /** What one of our own servers gets beside, at each of its starts. */
  readonly environmentOf: (serverId: string) => Readonly<Record<string, string>>;
  readonly log: Logger;
}

/** The router itself, where it asks a server for its lists: it may see, not act. */
const SELF: Caller = Object.freeze({
  agentId: 'aivillage-router',
  role: 'user',
  level: LEVELS.READ_ONLY,
  permissions: [],
  tokenId: 'aivillage-router',
  expiresAt: Number.MAX_SAFE_INTEGER,
});

/** Names are searched one by one, templates tried one after the other for each URI (D04). */
const LIST_LIMITS = {
  maxItems: { name: 5_000, uri: 20_000, uriTemplate: 1_000 },
  maxBytes: 8 * 2 ** 20,
  maxPages: 1_000,
  timeoutMs: 10_000,
};

export function serverFactory({ router, settings, assertionKey, environmentOf, log }: FactoryOptions): ServerFactory {
  const noteHealth = healthEvents(router.events);
  const events: ServerEvents = {
    review: (server, list, items, work) => router.definitions.review(reviewedOf(server), list, items, work),
    onListChanged: (server, list, before) => listChanged(router, server, list, before),
    onRequest: (peer, message, call) => ask(router, peer, message, call),
    onNotification: (server, peer, message, call) => told(router, server, peer, message, call),
    onStateChanged: (server) => {
      noteHealth(server);
      log.info({ server: server.id, state: server.state, problem: server.problem }, 'server');
      // Who may use it is known only since it was first listed.
      if (server.state === 'ready') for (const peer of server.peers()) askLevel(router, server, peer);
    },
    onConnected: (server, peer) => {
      renewSubscriptions(router, server, peer);
      askLevel(router, server, peer);
    },
  };
  const common = {
    timer: router.timer,
    background: new Background(),
    restarts: new Restarts(),
    clientInfo: { name: router.name, version: router.version },
    listLimits: LIST_LIMITS,
    healthCheckMs: settings.healthCheckIntervalMs,
    log,
    events,
  };
  const assertionEnv = { AIVILLAGE_ASSERTION_KEY: assertionKey, MCP_JWT_ISSUER: settings.jwtIssuer };
  const builtInEnv = {
    ...assertionEnv,
    AIVILLAGE_DATA_DIR: settings.dataDir,
    MCP_LOG_LEVEL: settings.logLevel,
    MCP_MAX_TOKENS: String(settings.maxTokens),
    MONITORING_FOLDERS: settings.monitoringFolders.join(','),
    MONITORING_ALLOW_PRIVATE_WEBHOOKS: settings.allowsPrivateWebhooks ? '1' : '0',
    HYPERRAG_FOLDERS: settings.hyperragFolders.join(','),
    FOG_LISTEN: settings.fogListen,
    HYPERRAG_MAX_PASSAGES: String(settings.hyperragMaxPassages),
  };
  // Keys are for those servers only that use them.
  const builtInEnvOf = (id: string) => ({
    ...builtInEnv,
    ...(id === 'hyperrag' && embedderEnv(settings.hyperragEmbedder)),
    ...(MEET_PEERS.has(id) && peerEnv(settings)),
  });
  return {
    configured(config) {
      return new UpstreamServer({
        ...common,
        ownAssertion: () => router.identity.assertion(SELF, config.id),
        id: config.id,
        prefix: prefixOf(config),
        isolation: config.isolation,
        isBuiltIn: config.isBuiltIn,
        assertion: config.assertion ? (config.kind === 'stdio' ? 'meta' : 'bearer') : undefined,
        timeoutMs: config.timeoutMs,
        startTimeoutMs: config.startTimeoutMs,
        stopped: () => {
          const stop = router.stop.coveringServer(config.id);
          return stop === undefined ? undefined : stopped(stop);
        },
        // Ours have work of their own to do, whether or not somebody calls.
        idleMs: config.isBuiltIn ? undefined : settings.connectionTimeoutMs,
        isAwaited: () => isSubscribedTo(router, config.id),
        maxConcurrent: config.securityProfile?.max_concurrent_operations,
        profile: config.securityProfile,
        rateLimit: config.securityProfile?.rate_limit,
        strategy: config.strategy,
        copies: copiesOf(config, {
          maxResultBytes: settings.maxResultBytes,
          builtInEnv: builtInEnvOf(config.id),
          assertionEnv,
          environmentOf,
          log,
        }),
      });
    },
    own: ({ id, ways }) =>
      new UpstreamServer({
        ...common,
        id,
        ownAssertion: () => router.identity.assertion(SELF, id),
        copies: [{ priority: 1, ways }],
        strategy: 'round-robin',
        idleMs: undefined,
        isAwaited: () => true,
        maxConcurrent: undefined,
        profile: undefined,
        rateLimit: undefined,
        prefix: '',
        stopped: () => undefined,
        isolation: 'shared',
        isBuiltIn: true,
        assertion: 'meta',
        timeoutMs: undefined,
        startTimeoutMs: undefined,
      }),
  };
}

/** Our servers that meet peers; the key of a private network is for nobody else. */
const MEET_PEERS: ReadonlySet<string> = new Set(['p2p', 'fog']);

/** How peers are met, as variables. */
function peerEnv({ peers }: Settings): Record<string, string> {
  const { listen, bootstrap, networkKey, mdns, circuits } = peers;
  return {
    P2P_LISTEN: listen.join(','),
    P2P_BOOTSTRAP: bootstrap.join(','),
    P2P_MDNS: mdns ? '1' : '0',
    ...(networkKey !== undefined && { P2P_NETWORK_KEY: Buffer.from(networkKey).toString('hex') }),
    ...(circuits !== undefined && {
      BETANET_RELAY: circuits.relay ? '1' : '0',
      BETANET_MIXING_MS: String(circuits.mixingMs),
      BETANET_COVER_PER_SECOND: String(circuits.coverPerSecond),
      ...(circuits.operator !== undefined && { BETANET_OPERATOR: circuits.operator }),
    }),
  };
}

function embedderEnv(embedder: Settings['hyperragEmbedder']): Readonly<Record<string, string>> {
  if (embedder === undefined) return {};
  if (embedder.kind === 'onnx') return { HYPERRAG_EMBEDDER: `onnx:${embedder.folder}` };
  const { url, model, key } = embedder;
  return { HYPERRAG_EMBEDDER: `openai:${url}#${model}`, ...(key !== undefined && { HYPERRAG_EMBEDDER_KEY: key }) };
}
