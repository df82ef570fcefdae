/**
 * How a server that the router started reaches it (DESIGN §2): address and token come by environment, a newer token over the
 * pipe between them before the old one ends. No server knows where another one lives.
 */
import type { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { z } from 'zod';

export interface RouterLink {
  /** Of the router's MCP endpoint. */
  readonly url: string;
  /** The token of now. */
  token(): string;
}

/** From the router to a server of ours; other servers never get it. */
export const TOKEN_NOTIFICATION = 'notifications/io.aivillage/token';

const notificationSchema = z.looseObject({
  method: z.literal(TOKEN_NOTIFICATION),
  params: z.looseObject({ token: z.string().min(1).max(512) }),
});

export interface RenewableLink extends RouterLink {
  renew(token: string): void;
}

export function createRouterLink(start: { readonly url: string; readonly token: string }): RenewableLink {
  let current = start.token;
  return {
    url: start.url,
    token: () => current,
    renew(token) {
      current = token;
    },
  };
}

/** Takes newer tokens from whoever holds the other end of this session's pipe. */
export function followToken(server: Server, link: RenewableLink): void {
  server.setNotificationHandler(notificationSchema, ({ params }) => link.renew(params.token));
}
