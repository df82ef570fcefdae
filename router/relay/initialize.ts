/** `initialize`: version, capabilities and name of the endpoint; a single server's are its own (P2, P6). */
import { z } from 'zod';
import { AppError } from '../../shared/errors.ts';
import { type Octets, stringifyOctets } from '../../shared/json/octets.ts';
import { reviewedOf } from '../catalog/catalog.ts';
import { type Message, parseParams } from '../message.ts';
import type { Router } from '../router.ts';
import type { Session } from '../session.ts';
import { seesAnyOf } from './sees.ts';

/** Newest first. */
export const PROTOCOL_VERSIONS = ['2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05'] as const;

/** A client that wants to find its tools instead of being shown them all says so by this capability (R9). */
const LEAN = 'io.aivillage/lean';

const initializeParams = z.looseObject({
  protocolVersion: z.string().max(64),
  capabilities: z.looseObject({
    experimental: z.record(z.string().max(200), z.unknown()).optional(),
    sampling: z.looseObject({}).optional(),
    roots: z.looseObject({ listChanged: z.boolean().optional() }).optional(),
    elicitation: z.looseObject({ form: z.looseObject({}).optional(), url: z.looseObject({}).optional() }).optional(),
  }),
  clientInfo: z.looseObject({ name: z.string().max(1000), version: z.string().max(1000) }),
});

const MERGED_CAPABILITIES = {
  tools: { listChanged: true },
  resources: { subscribe: true, listChanged: true },
  prompts: { listChanged: true },
  logging: {},
  completions: {},
};

/** Whether this is a message that opens a session. */
export function isInitialize(message: Message): boolean {
  return message.kind === 'request' && message.method === 'initialize';
}

/**
 * Takes what the client says of itself into the session.
 * @returns the result for the client
 * @throws AppError INVALID_PARAMS; UPSTREAM_UNAVAILABLE when the endpoint is one server that is not there
 */
export async function initialize(router: Router, session: Session, message: Message): Promise<Octets> {
  if (session.version !== '') throw new AppError('INVALID_REQUEST', { text: 'This session is initialized already' });
  const params = initializeParams.safeParse(parseParams(message));
  if (!params.success) {
    throw new AppError('INVALID_PARAMS', {
      text: 'initialize needs protocolVersion, capabilities and clientInfo {name, version}',
    });
  }
  const { protocolVersion, capabilities, clientInfo } = params.data;
  const isLean = router.settings.lean && session.endpoint === undefined;
  const result = await about(router, session);
  session.version = PROTOCOL_VERSIONS.find((version) => version === protocolVersion) ?? PROTOCOL_VERSIONS[0];
  session.capabilities = capabilities;
  if (isLean || capabilities.experimental?.[LEAN] !== undefined) session.loaded ??= new Set();
  session.clientInfo = { name: clientInfo.name, version: clientInfo.version };
  return stringifyOctets({ ...result, protocolVersion: session.version });
}

async function about(router: Router, session: Session): Promise<object> {
  if (session.endpoint === undefined) {
    return {
      capabilities: MERGED_CAPABILITIES,
      serverInfo: { name: router.name, title: 'AIVillage router', version: router.version },
    };
  }
  const server = router.catalog.server(session.endpoint);
  if (server !== undefined && server.initialized === undefined) await server.start();
  // A server of which this caller may use nothing is one that is not there (M2).
  if (server?.initialized === undefined || !seesAnyOf(router, session, server))
    throw new AppError('UPSTREAM_UNAVAILABLE', { text: `The server ${session.endpoint} is not available` });
  // Tasks are not relayed, so they are not offered.
  const { tasks: _, ...capabilities } = server.initialized.capabilities;
  const { instructions, ...about } = server.initialized;
  const isShown =
    typeof instructions === 'string' && router.definitions.showsInstructions(reviewedOf(server), instructions);
  return { ...about, ...(isShown && { instructions }), capabilities };
}
