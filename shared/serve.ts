/**
 * Runs one server of ours alone over one transport (P1): says which proof of identity counts there, and ends everything
 * when the client or the process ends. Reads no environment; the transports live in serve/.
 */
import type { Readable, Writable } from 'node:stream';
import type { RenewableLink } from './client/router-link.ts';
import type { IdentityCheck } from './identity/proof.ts';
import { callerAtStart, callerByAssertion, callerByBearer } from './identity/proof.ts';
import type { Log } from './log.ts';
import type { Gate } from './request.ts';
import type { VillageServer } from './village-server.ts';

export type Io =
  /** One client on these two pipes; ends with the first of them. */
  | { readonly kind: 'stdio'; readonly stdin: Readable; readonly stdout: Writable }
  /** Streamable HTTP at `/mcp`, HTTP+SSE of 2024-11-05 at `/sse`, on 127.0.0.1; port 0 takes any. */
  | ({ readonly kind: 'http'; readonly port: number } & Partial<HttpLimits>);

export interface HttpLimits {
  /** Of one request; 4 MiB unless given. */
  readonly maxBodyBytes: number;
  /** A session that sends nothing and has no stream open for this long is ended; 30 minutes unless given. */
  readonly idleSessionMs: number;
  /** Sessions at once; 1,000 unless given. */
  readonly maxSessions: number;
}

export interface ServeOptions {
  readonly id: string;
  readonly createServer: () => VillageServer | Promise<VillageServer>;
  readonly io: Io;
  readonly identity: IdentityCheck;
  /** @throws AppError UNKNOWN_NAME when the matrix denies it */
  readonly authorize: Gate['authorize'];
  /** True when the start gave an assertion key: then every call must carry the router's assertion. */
  readonly isBehindRouter: boolean;
  /** The caller's token over stdio without the router (`MCP_TOKEN`); without one it is the local user (A7). */
  readonly token?: string | undefined;
  /** Takes the newer tokens that the router sends over stdio. */
  readonly link?: RenewableLink | undefined;
  readonly log: Log;
}

export interface Serving {
  /** Over HTTP, the address of Streamable HTTP. */
  readonly url: string | undefined;
  /** Settles when the client has gone (stdio) or `close` was called, and everything is closed. */
  readonly closed: Promise<void>;
  close(): Promise<void>;
}

/** @throws Error when the server cannot be made or the port cannot be had */
export async function serve(options: ServeOptions): Promise<Serving> {
  const { io, identity, log } = options;
  const gate: Gate = {
    callerOf: callerOf(options),
    authorize: options.authorize,
    listsAreFiltered: !options.isBehindRouter,
    log,
  };
  const village = await options.createServer();
  if (village.id !== options.id) throw new Error(`asked for server ${options.id}, got ${village.id}`);
  if (io.kind === 'stdio') {
    if (!options.isBehindRouter && options.token !== undefined) await identity.fromToken(options.token);
    const { serveStdio } = await import('./serve/stdio.ts');
    return serveStdio(village, gate, io, options.isBehindRouter ? options.link : undefined);
  }
  const { serveHttp } = await import('./serve/http.ts');
  return serveHttp(village, gate, { ...io, bindsSessions: !options.isBehindRouter });
}

function callerOf({ io, identity, isBehindRouter, token }: ServeOptions): Gate['callerOf'] {
  if (isBehindRouter) return callerByAssertion(identity, io.kind);
  return io.kind === 'http' ? callerByBearer(identity) : callerAtStart(identity, token);
}
