/** A short-lived MCP client of the running router, for commands that ask it something. */
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { Command } from 'commander';
import { VERSION } from '../version.ts';
import type { CliContext } from './context.ts';
import { CommandError } from './failure.ts';

export interface ClientOptions {
  readonly url?: string;
  readonly token?: string;
}

/** Adds the options that say which router, and as whom. */
export function withClientOptions(command: Command): Command {
  return command
    .option('--url <url>', 'address of the router (default: this machine, MCP_HOST and MCP_PORT)')
    .option('--token <token>', 'access token (default: MCP_TOKEN)');
}

/** Runs `work` with a connected client and closes it. Throws CommandError with what to do when there is no way in. */
export async function withClient<T>(
  context: CliContext,
  options: ClientOptions,
  work: (client: Client) => Promise<T>,
): Promise<T> {
  const { token: ownToken, host, port, tls } = context.settings();
  const token = options.token ?? ownToken;
  if (token === undefined) {
    throw new CommandError(
      'No token: give --token or set MCP_TOKEN. Issue one with: npx aivillage token issue --agent NAME',
    );
  }
  const url = options.url ?? `${tls === undefined ? 'http' : 'https'}://${host}:${port}/mcp`;
  if (!URL.canParse(url))
    throw new CommandError(`--url must be an address such as http://127.0.0.1:8083/mcp, not ${url}`);
  const client = new Client({ name: 'aivillage-cli', version: VERSION });
  const transport = new StreamableHTTPClientTransport(new URL(url), {
    requestInit: { headers: { Authorization: `Bearer ${token}` } },
  });
  try {
    await client.connect(transport);
  } catch (error) {
    throw new CommandError(whyNot(url, error));
  }
  try {
    return await work(client);
  } finally {
    await transport.terminateSession().catch(() => undefined);
    await client.close();
  }
}

function whyNot(url: string, error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  if (/401|Unauthorized/i.test(text))
    return `The router at ${url} does not accept the token. It may have expired: issue a new one.`;
  if (/fetch failed|ECONNREFUSED/i.test(text)) return `No router answers at ${url}. Start one with: npm start`;
  return `The router at ${url} refused: ${text}`;
}
