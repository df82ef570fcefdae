/** Composes a router from settings and configuration, and takes it apart again. Nothing is decided here. */
import { X509Certificate } from 'node:crypto';
import { ensureDataFolder } from '../shared/data-folder.ts';
import { createAssertionMinter } from '../shared/identity/assertions.ts';
import { type AgentEntry, type AgentLookup, permissionsOf } from '../shared/identity/claims.ts';
import { LEVELS, type Level } from '../shared/identity/levels.ts';
import { createLoginThrottle } from '../shared/identity/login-throttle.ts';
import { openIdentity } from '../shared/identity/open-identity.ts';
import { permits } from '../shared/identity/roles.ts';
import { keyFiles } from '../shared/identity/secret.ts';
import { loadOrCreateSigningKey } from '../shared/identity/signing-key.ts';
import type { Logger } from '../shared/logger.ts';
import { createMatrix, type Matrix } from '../shared/matrix/matrix.ts';
import { BUILT_IN_ROWS } from '../shared/permission-matrix.ts';
import { type Settings, twinEnvironment } from '../shared/settings.ts';
import { createTickets } from './approval/ticket.ts';
import { createUsedApprovals } from './approval/used-approvals.ts';
import { openAuditLog } from './audit/audit-log.ts';
import type { AuditEntry } from './audit/entry.ts';
import { identityEvents } from './audit/identity-events.ts';
import { Catalog } from './catalog/catalog.ts';
import { CoarseTimer } from './coarse-timer.ts';
import type { Config } from './config/config.ts';
import { OWN_ID } from './config/server-entry.ts';
import { aboutDefinition, detailsOf } from './definitions/entry.ts';
import { DefinitionGuard } from './definitions/guard.ts';
import { openPinStore } from './definitions/pin-store.ts';
import { Backlog } from './doors/backlog.ts';
import { type HttpServer, startHttpServer } from './doors/http-server.ts';
import { RestDoor } from './doors/rest.ts';
import { createAuthRoutes } from './doors/rest-auth.ts';
import { readTls } from './doors/tls-files.ts';
import { Events } from './events/events.ts';
import { heardBy, stopEvents } from './events/sources.ts';
import { InternalDoor } from './internal-door.ts';
import { openLedger } from './limits/ledger.ts';
import { Limiter } from './limits/limiter.ts';
import { Limits } from './limits/limits.ts';
import { Penalties } from './limits/penalties.ts';
import { AnswerCache } from './line/cache.ts';
import { Figures } from './metrics/figures.ts';
import { type Metrics, openMetrics } from './metrics/metrics.ts';
import { wayToOwnServer } from './own-server/open.ts';
import { ServiceRegistry } from './own-server/service-registry.ts';
import { definitionsChanged, rightsChanged, rightsNow } from './relay/list-changes.ts';
import { askLevels } from './relay/logging.ts';
import { failQuestions } from './relay/questions.ts';
import { dropSubscriptions } from './relay/subscriptions.ts';
import type { Router } from './router.ts';
import { serverFactory } from './server-factory.ts';
import { ServerIdentities, TWINS_ID } from './server-identities.ts';
import type { Session } from './session.ts';
import { Sessions } from './sessions.ts';
import { EmergencyStop } from './stop/emergency-stop.ts';
import { enforce } from './stop/enforce.ts';
import { openStopStore } from './stop/stop-store.ts';
import { ToolRecords } from './tools/records.ts';
import { openTracer } from './tracing/tracer.ts';
import { ServerSet } from './upstreams/server-set.ts';
import { VERSION } from './version.ts';

/** The clock of the machine: all processes on it read the same, and it never goes back. */
const MACHINE_OFFSET_MS = Number(process.hrtime.bigint() / 1_000n) / 1_000 - performance.now();
const machineMs = (): number => performance.now() + MACHINE_OFFSET_MS;

export interface RunningRouter {
  readonly router: Router;
  readonly servers: ServerSet;
  /** Opens the HTTP doors. */
  listen(): Promise<HttpServer>;
  /** Takes over a changed configuration; sessions go on. */
  reconfigure(config: Config): Promise<void>;
  close(): Promise<void>;
}

const MAX_SESSIONS = 20_000;
const MAX_SESSIONS_PER_AGENT = 5_000;
const PAGE_SIZE = 1_000;
const FIRST_LIST_WAIT_MS = 800;
/** What other processes approved is in force after so long. */
const REFRESH_MS = 500;

/** Rejects with what its user must know when a store, a key or a setting refuses. */
export async function openRouter(settings: Settings, config: Config, log: Logger): Promise<RunningRouter> {
  const { dataDir, checkpointDir } = settings;
  ensureDataFolder(dataDir);
  let current = config;
  const agents: AgentLookup = (agentId) => {
    const agent = current.agents.get(agentId);
    return agent === undefined ? undefined : { ...agent, level: LEVELS[agent.level] };
  };
  const timer = new CoarseTimer();
  const identity = await openIdentity({
    dataDir,
    agents,
    issuer: settings.jwtIssuer,
    audience: settings.jwtAudience,
    ...(settings.jwtSecret === undefined ? {} : { secret: settings.jwtSecret }),
    ...(settings.jwks === undefined
      ? {}
      : { jwks: settings.jwks.kind === 'file' ? settings.jwks.file : settings.jwks.url }),
  });
  identity.revocations.onRevoked((tokenId) => sessions.revoked(tokenId));
  const signingKey = loadOrCreateSigningKey(keyFiles(dataDir).signingKey);
  const minter = createAssertionMinter({
    privateKey: signingKey.privateKey,
    issuer: settings.jwtIssuer,
    now: Date.now,
  });
  const events = new Events(Date.now);
  const opened = await openAuditLog({
    dataDir,
    checkpointDir,
    durability: settings.auditDurability,
    retentionDays: settings.auditRetentionDays,
    now: Date.now,
    onNotice: (text) => log.warn(text),
  });
  const audit = heardBy(events, opened);
  const serverIdentities = new ServerIdentities(() => timer.now());
  const stopStore = await openStopStore(dataDir);
  const limiter = new Limiter({
    ledger: await openLedger(dataDir, machineMs()),
    timer,
    now: machineMs,
    onFault: (error) => log.error({ err: error }, 'limits cannot be counted together with other routers'),
  });
  /** What happens whether or not it can be recorded; what may not happen then waits for its record itself. */
  const record = (entry: AuditEntry): void => {
    audit.append(entry).catch((error: unknown) => log.error({ err: error, kind: entry.kind }, 'could not be recorded'));
  };
  let refreshedAt = 0;
  const definitions = new DefinitionGuard({
    store: await openPinStore(dataDir),
    approvesFirst: () => current.router.definitions === 'approval',
    now: Date.now,
    onWithheld: (withholding) => {
      const { server, list, name, why, pending } = withholding;
      log.warn({ server, list, name, why }, 'a definition is withheld until it is approved: aivillage definitions');
      record({ ...aboutDefinition(server, list, name, pending), details: detailsOf(withholding) });
    },
    onChanged: () => definitionsChanged(router),
  });
  const sessions: Sessions = new Sessions({
    timer,
    idleMs: settings.sessionTimeoutMs,
    maxSessions: MAX_SESSIONS,
    maxPerAgent: MAX_SESSIONS_PER_AGENT,
    check: (caller) => identity.verifier.assertCurrent(caller),
    onOpened: (session) => record(aboutSession('session_opened', session)),
    onClosed: (session, why) => {
      record({ ...aboutSession('session_closed', session), reason: why });
      failQuestions(session);
      dropSubscriptions(router, session);
      if (session.logLevel !== undefined) askLevels(router, session);
      for (const server of router.catalog.all()) void server.release(session);
    },
  });
  let metrics: Metrics | undefined;
  const router: Router = {
    name: 'aivillage',
    version: VERSION,
    settings: {
      defaultTimeoutMs: settings.defaultTimeoutMs,
      maxTimeoutMs: settings.maxTimeoutMs,
      maxMessageBytes: settings.maxMessageBytes,
      heartbeatMs: settings.heartbeatIntervalMs,
      connectionTimeoutMs: settings.connectionTimeoutMs,
      lean: config.router.lean,
      pageSize: config.router.pageSize ?? PAGE_SIZE,
      firstListWaitMs: FIRST_LIST_WAIT_MS,
    },
    catalog: new Catalog(definitions),
    definitions,
    sessions,
    identity: {
      get available() {
        return identity.revocations.fresh();
      },
      verify: (token) => {
        const found = identity.verifier.verify(token);
        return found instanceof Promise
          ? found.then((caller) => serverIdentities.refuseServer(caller))
          : serverIdentities.refuseServer(found);
      },
      check: (caller) => identity.verifier.assertCurrent(caller),
      assertion: (caller, serverId) => minter.get(caller, serverId),
    },
    matrix: createMatrix({ builtIn: BUILT_IN_ROWS, configured: [], permits }),
    audit,
    stop: new EmergencyStop(stopStore, log),
    limits: new Limits({
      limiter,
      penalties: new Penalties(),
      perMinute: () => current.router.rateLimit.perMinute,
      now: machineMs,
      // Not before it has read why.
      disconnect: (agentId) => setImmediate(() => sessions.closeOf(agentId, 'it went on calling beyond its limit')),
    }),
    screening: { isOn: () => current.router.screening },
    toolRecords: new ToolRecords(),
    tickets: createTickets(signingKey),
    approvals: createUsedApprovals(stopStore.store),
    cache: new AnswerCache(() => timer.now()),
    timer,
    backlog: new Backlog(() => timer.now()),
    log,
    figures: new Figures(),
    events,
    get metrics() {
      metrics ??= openMetrics(router);
      return metrics;
    },
    tracer:
      settings.traceEndpoint === undefined
        ? undefined
        : await openTracer({ endpoint: settings.traceEndpoint, version: VERSION, log }),
  };
  const stopRefreshing = timer.add((now) => {
    if (now - refreshedAt < REFRESH_MS) return;
    refreshedAt = now;
    definitions.refresh();
  });
  const recordIdentity = identityEvents(audit);
  const internalDoor = new InternalDoor(router, serverIdentities);
  const factory = serverFactory({
    router,
    settings,
    assertionKey: signingKey.publicKeyText,
    environmentOf: (serverId) => ({
      AIVILLAGE_CONFIG: current.file,
      ...internalDoor.environmentOf(serverId),
      // What unlocks the twins is for their process alone.
      ...(serverId === TWINS_ID ? twinEnvironment(settings) : {}),
      ...(serverId === 'fog' && endpointEnvironment(settings)),
    }),
    log,
  });
  const registry = new ServiceRegistry({
    dataDir,
    maxTimeoutMs: settings.maxTimeoutMs,
    allowedCommands: () => current.router.allowedCommands,
    onChange: () => adopt(),
    onRefused: (server, problem) => log.error({ server, problem }, 'a registered server is no longer allowed'),
  });
  const own = factory.own({
    id: OWN_ID,
    ways: [
      wayToOwnServer({
        router,
        dataDir,
        checkpointDir,
        registry,
        publicKey: signingKey.publicKey,
        issuer: settings.jwtIssuer,
        agents: () => [...current.agents.keys()],
        rightsOf: (agentId) => rightsOf(agents(agentId)),
      }),
    ],
  });
  const servers: ServerSet = new ServerSet({
    own,
    create: (each) => factory.configured(each),
    onChange: (all) => router.catalog.setServers(all),
  });
  const whole = registry.joinedTo(current);
  router.matrix = matrixOf(whole);
  if (needsDoor(current)) await internalDoor.open();
  servers.apply(whole.servers);
  router.stop.onChange(enforceStops);
  router.stop.onChange(stopEvents(events));
  enforceStops();
  router.stop.watch();

  function enforceStops(): void {
    enforce(router, settings.emergencyStopTimeoutMs);
  }

  function needsDoor({ servers: configured }: Config): boolean {
    return [...configured.values()].some(({ id, isBuiltIn }) => isBuiltIn && serverIdentities.isClient(id));
  }

  /** Puts into force what the file and the registry say now; sessions go on. */
  function adopt(): void {
    const before = rightsNow(router);
    const whole = registry.joinedTo(current);
    router.settings = { ...router.settings, lean: current.router.lean, pageSize: current.router.pageSize ?? PAGE_SIZE };
    router.matrix = matrixOf(whole);
    identity.verifier.forget();
    servers.apply(whole.servers);
    enforceStops();
    rightsChanged(router, before);
    servers.startAll();
    record({ kind: 'config_changed', details: { matrix: router.matrix.version } });
  }

  return {
    router,
    servers,
    listen: () => {
      const tls = settings.tls === undefined ? undefined : readTls(settings.tls);
      router.figures.certificateEndsAt = tls && Math.floor(Date.parse(new X509Certificate(tls.cert).validTo) / 1_000);
      return startHttpServer(router, {
        host: settings.host,
        port: settings.port,
        allowedHosts: [...settings.allowedHosts, ...(current.router.allowedHosts ?? [])],
        allowedOrigins: [...settings.allowedOrigins, ...(current.router.allowedOrigins ?? [])],
        tls,
        issuer: settings.jwtIssuer,
        websocket: true,
        rest: new RestDoor(
          router,
          createAuthRoutes({
            ...identity,
            throttle: createLoginThrottle(Date.now),
            audit: async (event) => {
              if (event.outcome === 'allowed' && event.agentId !== undefined) router.limits.count(event.agentId);
              await recordIdentity(event);
            },
            now: Date.now,
          }),
        ),
      });
    },
    async reconfigure(next) {
      if (needsDoor(next)) await internalDoor.open();
      current = next;
      adopt();
    },
    async close() {
      sessions.closeAll('the router is shutting down');
      await servers.stop();
      await internalDoor.close();
      await router.stop.close();
      await limiter.close();
      stopRefreshing();
      await definitions.close();
      await audit.close();
      metrics?.close();
      await router.tracer?.close();
      await identity.close();
    },
  };
}

/** The configuration's own mistakes were refused when it was read; registered rows are made here and cannot be wrong. */
function matrixOf({ permissions }: Config): Matrix {
  return createMatrix({ builtIn: BUILT_IN_ROWS, configured: permissions, permits });
}

function aboutSession(kind: 'session_opened' | 'session_closed', session: Session): AuditEntry {
  const { agentId: agent, caller, publicId, endpoint, door } = session;
  return { kind, agent, tokenId: caller.tokenId, session: publicId, server: endpoint, details: { door } };
}

function rightsOf(agent: AgentEntry | undefined): { level: Level; permissions: readonly string[] } | undefined {
  if (agent === undefined) return undefined;
  return { level: agent.level, permissions: permissionsOf(agent.role ?? 'user', agent.permissions) };
}

/** The model endpoint, for the one server that asks it: its key is nobody else's. */
function endpointEnvironment({ modelEndpoint }: Settings): Readonly<Record<string, string>> {
  if (modelEndpoint === undefined) return {};
  const { url, apiKey, model } = modelEndpoint;
  return {
    FORGE_MODEL_URL: url,
    ...(apiKey !== undefined && { FORGE_MODEL_KEY: apiKey }),
    ...(model !== undefined && { FORGE_MODEL_NAME: model }),
  };
}
