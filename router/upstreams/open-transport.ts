/** How each kind of configured server is reached. */
import type { LookupFunction } from 'node:net';
import type { Logger } from '../../shared/logger.ts';
import type { RemoteServer, ServerConfig, StdioServer } from '../config/config.ts';
import type { HttpOptions } from './http/connection.ts';
import { RemoteTransport } from './remote.ts';
import type { Way } from './server.ts';
import { StdioTransport } from './stdio.ts';

export interface OpenOptions {
  readonly maxResultBytes: number;
  /** Given to servers that take assertions: how they verify one. */
  readonly assertionEnv: Readonly<Record<string, string>>;
  /** Given to servers of ours: the same, and where their data lies. Others are not told where the keys are. */
  readonly builtInEnv: Readonly<Record<string, string>>;
  /** Given beside to our own servers, made anew for each start. */
  readonly environmentOf: (serverId: string) => Readonly<Record<string, string>>;
  readonly log: Logger;
}

/** The ways to reach a server, in the order to try them. */
export function waysTo(config: ServerConfig, options: OpenOptions): Way[] {
  const log = options.log.child({ server: config.id });
  if (config.kind === 'remote') return waysToRemote(config, options.maxResultBytes, log);
  return [
    () =>
      new StdioTransport({
        command: config.command,
        args: config.args,
        cwd: config.cwd,
        env: { ...envFor(config, options), ...config.env },
        maxMessageBytes: options.maxResultBytes,
        log: (line) => log.info({ stderr: line }, 'the server says'),
      }),
  ];
}

function envFor(
  config: StdioServer,
  { builtInEnv, assertionEnv, environmentOf }: OpenOptions,
): Readonly<Record<string, string>> {
  if (!config.assertion) return {};
  return config.isBuiltIn ? { ...builtInEnv, ...environmentOf(config.id) } : assertionEnv;
}

/** Loaded when the first remote server is reached: undici takes a tenth of a second. */
function waysToRemote(config: RemoteServer, maxMessageBytes: number, log: Logger): Way[] {
  const http = (assertionOf: Parameters<Way>[0], lookup: LookupFunction): HttpOptions => ({
    url: config.url,
    headers: config.headers,
    ...(config.assertion ? { authorization: (id) => bearer(assertionOf(id)) } : {}),
    maxMessageBytes,
    lookup,
    log,
  });
  const way =
    (load: (options: HttpOptions) => ReturnType<ConstructorParameters<typeof RemoteTransport>[2]>): Way =>
    (assertionOf) =>
      new RemoteTransport(config.url, config.allowPrivateAddress, (lookup) => load(http(assertionOf, lookup)));
  const streamable = way(async (options) => (await import('./streamable-http.ts')).streamableHttp(options));
  const sse = way(async (options) => (await import('./http-sse.ts')).httpSse(options));
  if (config.transport === 'sse') return [sse];
  return config.transport === 'streamable-http' ? [streamable] : [streamable, sse];
}

function bearer(assertion: string | undefined): string | undefined {
  return assertion === undefined ? undefined : `Bearer ${assertion}`;
}
