/** What the two ends say of themselves when a connection to an upstream begins (MCP, "Initialization"). */
import { LATEST_PROTOCOL_VERSION, SUPPORTED_PROTOCOL_VERSIONS } from '@modelcontextprotocol/sdk/types.js';
import { z } from 'zod';
import { AppError } from '../../shared/errors.ts';
import { type Octets, parseOctets, stringifyOctets } from '../../shared/json/octets.ts';

const initializeResult = z.looseObject({
  protocolVersion: z.string(),
  capabilities: z.looseObject({}),
  serverInfo: z.looseObject({ name: z.string(), version: z.string() }),
  instructions: z.string().optional(),
});
export type InitializeResult = z.infer<typeof initializeResult>;

export interface ClientInfo {
  readonly name: string;
  readonly version: string;
}

/** What the router can relay from a server to a client; whether the client takes it is seen when it comes. */
const CLIENT_CAPABILITIES = { roots: { listChanged: true }, sampling: {}, elicitation: { form: {}, url: {} } };

export function initializeParams(clientInfo: ClientInfo): Octets {
  return stringifyOctets({ protocolVersion: LATEST_PROTOCOL_VERSION, capabilities: CLIENT_CAPABILITIES, clientInfo });
}

/** Throws AppError CONNECTION_FAILED or INVALID_VERSION when it is not a result that we can go on with. */
export function readInitializeResult(octets: Octets): InitializeResult {
  const parsed = initializeResult.safeParse(parseOctets(octets));
  if (!parsed.success) {
    throw new AppError('CONNECTION_FAILED', {
      text: 'The server answered initialize without protocolVersion, capabilities and serverInfo',
    });
  }
  if (!SUPPORTED_PROTOCOL_VERSIONS.includes(parsed.data.protocolVersion)) {
    throw new AppError('INVALID_VERSION', {
      text: 'The server speaks a protocol version that the router does not know',
      data: { supported: SUPPORTED_PROTOCOL_VERSIONS },
    });
  }
  return parsed.data;
}
