/** What `aivillage-mcp/client` gives; see README.md beside it. */
export type { ErrorKindName, Reason } from '../shared/errors.ts';
export { AppError as VillageError } from '../shared/errors.ts';
export type { Approval } from './approval.ts';
export type { CallOptions } from './call.ts';
export type { ConnectionState, DiagnosticEvent, Listener } from './events.ts';
export { type Pair, requestPair } from './token-pair.ts';
export type { TokenNeed, TokenPair, TokenSource } from './tokens.ts';
export { VillageClient, type VillageClientOptions } from './village-client.ts';
