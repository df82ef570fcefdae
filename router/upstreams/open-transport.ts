/** How each kind of configured server is reached. */
import type { LookupFunction } from 'node:net';
import type { Logger } from '../../shared/logger.ts';
import type { RemoteCopy, RemoteServer, ServerConfig, StdioCopy, StdioServer } from '../config/config.ts';
import type { HttpOptions } from './http/connection.ts';
import type { CopyOptions, Way } from './options.ts';
import { RemoteTransport } from './remote.ts';
import { sandboxed } from './sandbox.ts';
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

/** The copies of a server, and the ways to reach each, in the order to try them. */
export function copiesOf(config: ServerConfig, options: OpenOptions): CopyOptions[] {
  const log = options.log.child({ server: config.id });
  // A session has a process to itself anyway; more of them would only be listed.
  const count = config.isolation === 'session' ? 1 : config.replicas;
  const same = <T>(config: T) => Array.from({ length: count }, () => ({ ...config, priority: 1 }));
  if (config.kind === 'remote') {
    return (config.copies ?? same(config)).map((copy) => ({
      priority: copy.priority,
      ways: waysToRemote(config, copy, options.maxResultBytes, log),
    }));
  }
  return (config.copies ?? same(config)).map((copy) => ({
    priority: copy.priority,
    ways: [() => newProcess(config, copy, options, log)],
  }));
}

function newProcess(config: StdioServer, copy: StdioCopy, options: OpenOptions, log: Logger): StdioTransport {
  const { sandbox } = config;
  return new StdioTransport({
    command: copy.command,
    args: copy.args,
    cwd: copy.cwd,
    env: { ...envFor(config, options), ...copy.env },
    ...(sandbox === undefined ? {} : { within: (command) => sandboxed(command, copy.cwd, sandbox) }),
    maxMessageBytes: options.maxResultBytes,
    log: (line) => log.info({ stderr: line }, 'the server says'),
  });
}

function envFor(
  config: StdioServer,
  { builtInEnv, assertionEnv, environmentOf }: OpenOptions,
): Readonly<Record<string, string>> {
  if (!config.assertion) return {};
  return config.isBuiltIn ? { ...builtInEnv, ...environmentOf(config.id) } : assertionEnv;
}

/** Loaded when the first remote server is reached: undici takes a tenth of a second. */
function waysToRemote(config: RemoteServer, copy: RemoteCopy, maxMessageBytes: number, log: Logger): Way[] {
  const http = (assertionOf: Parameters<Way>[0], lookup: LookupFunction): HttpOptions => ({
    url: copy.url,
    headers: copy.headers,
    ...(config.assertion ? { authorization: (id) => bearer(assertionOf(id)) } : {}),
    maxMessageBytes,
    lookup,
    log,
  });
  const way =
    (load: (options: HttpOptions) => ReturnType<ConstructorParameters<typeof RemoteTransport>[2]>): Way =>
    (assertionOf) =>
      new RemoteTransport(copy.url, copy.allowPrivateAddress, (lookup) => load(http(assertionOf, lookup)));
  const streamable = way(async (options) => (await import('./streamable-http.ts')).streamableHttp(options));
  const sse = way(async (options) => (await import('./http-sse.ts')).httpSse(options));
  if (config.transport === 'sse') return [sse];
  return config.transport === 'streamable-http' ? [streamable] : [streamable, sse];
}

function bearer(assertion: string | undefined): string | undefined {
  return assertion === undefined ? undefined : `Bearer ${assertion}`;
}
