/** How each kind of configured server is reached. */
import type { Logger } from '../../shared/logger.ts';
import type { ServerConfig } from '../config/config.ts';
import type { HttpOptions } from './http/connection.ts';
import { httpSse } from './http-sse.ts';
import type { Way } from './server.ts';
import { StdioTransport } from './stdio.ts';
import { streamableHttp } from './streamable-http.ts';

export interface OpenOptions {
  readonly maxResultBytes: number;
  /** Given to servers that take assertions: how they verify one, and where their data lies. */
  readonly builtInEnv: Readonly<Record<string, string>>;
  readonly log: Logger;
}

/** The ways to reach a server, in the order to try them. */
export function waysTo(config: ServerConfig, options: OpenOptions): Way[] {
  const log = options.log.child({ server: config.id });
  if (config.kind === 'stdio') {
    return [
      () =>
        new StdioTransport({
          command: config.command,
          args: config.args,
          cwd: config.cwd,
          env: config.assertion ? { ...options.builtInEnv, ...config.env } : config.env,
          maxMessageBytes: options.maxResultBytes,
          log: (line) => log.info({ stderr: line }, 'the server says'),
          onBadLine: () => log.warn('the server printed a line that is not UTF-8; skipped'),
        }),
    ];
  }
  const http = (assertionOf: Parameters<Way>[0]): HttpOptions => ({
    url: config.url,
    headers: config.headers,
    maxMessageBytes: options.maxResultBytes,
    allowPrivateAddress: config.allowPrivateAddress,
    ...(config.assertion ? { authorization: (id) => bearer(assertionOf(id)) } : {}),
    log,
  });
  const streamable: Way = (assertionOf) => streamableHttp(http(assertionOf));
  const sse: Way = (assertionOf) => httpSse(http(assertionOf));
  if (config.transport === 'sse') return [sse];
  return config.transport === 'streamable-http' ? [streamable] : [streamable, sse];
}

function bearer(assertion: string | undefined): string | undefined {
  return assertion === undefined ? undefined : `Bearer ${assertion}`;
}
