/**
 * The door of our own servers: HTTP on 127.0.0.1, at any free port, for their tokens alone. Opened when one of them needs it,
 * whatever doors there are for clients.
 */

import { TOKEN_NOTIFICATION } from '../shared/client/router-link.ts';
import { stringifyOctets } from '../shared/json/octets.ts';
import { type HttpServer, startHttpServer } from './doors/http-server.ts';
import type { Router } from './router.ts';
import type { ServerIdentities } from './server-identities.ts';
import { SERVER_TOKEN_TTL_MS } from './server-identities.ts';

export class InternalDoor {
  private readonly router: Router;
  private readonly identities: ServerIdentities;
  private server: HttpServer | undefined;
  private timer: NodeJS.Timeout | undefined;

  constructor(router: Router, identities: ServerIdentities) {
    this.router = router;
    this.identities = identities;
  }

  get isOpen(): boolean {
    return this.server !== undefined;
  }

  async open(): Promise<void> {
    if (this.server !== undefined) return;
    this.server = await startHttpServer(this.router, {
      host: '127.0.0.1',
      port: 0,
      allowedHosts: [],
      allowedOrigins: [],
      tls: undefined,
      issuer: '',
      verify: (token) => this.identities.verify(token),
    });
    this.timer = setInterval(() => this.renew(), SERVER_TOKEN_TTL_MS / 2);
    this.timer.unref();
  }

  /** What a server of ours needs to know to be a client; nothing for those that are none. */
  environmentOf(serverId: string): Record<string, string> {
    if (this.server === undefined || !this.identities.isClient(serverId)) return {};
    return {
      AIVILLAGE_ROUTER_URL: `${this.server.url}/mcp`,
      AIVILLAGE_ROUTER_TOKEN: this.identities.issue(serverId),
    };
  }

  /** Gives every server that is a client a newer token, over the pipe by which it was started. */
  renew(): void {
    for (const server of this.router.catalog.all()) {
      const { id } = server;
      if (!server.options.isBuiltIn || !this.identities.isClient(id)) continue;
      for (const peer of server.peers())
        peer.notify(TOKEN_NOTIFICATION, stringifyOctets({ token: this.identities.issue(id) }));
    }
  }

  async close(): Promise<void> {
    clearInterval(this.timer);
    await this.server?.close();
  }
}
