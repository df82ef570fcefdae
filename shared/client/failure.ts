/**
 * What became of a request that failed, as far as a client can know: the router answered, nothing ran, or nobody can tell. Whether
 * a request may be sent again hangs on this alone.
 */
import { StreamableHTTPError } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { ErrorCode, McpError } from '@modelcontextprotocol/sdk/types.js';
import { AppError } from '../errors.ts';
import { errorOfHttp, errorOfRpc } from './answers.ts';

export interface Failure {
  /**
   * `answered`: the router, or the server behind it, refused or failed. `not_run`: it did not arrive, or was refused at the door.
   * `lost`: it may have run. `timeout`: the same, and its cancellation was sent.
   */
  readonly fate: 'answered' | 'not_run' | 'lost' | 'timeout';
  /** What is wrong with the way there; undefined when there is nothing. */
  readonly way?: 'token' | 'session' | 'unreachable';
  readonly error: AppError;
}

/** Thrown by a transport whose connection is not open: the message stayed here. */
export class NotSent extends Error {
  override readonly name = 'NotSent';
}

/** Of systems and of undici: no connection was made, so nothing was sent. */
const NO_CONNECTION = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'UND_ERR_CONNECT_TIMEOUT']);
const UNREACHABLE = 'The router cannot be reached';

export function failureOf(error: unknown): Failure {
  if (error instanceof McpError) return failureOfRpc(error);
  if (error instanceof StreamableHTTPError) return failureOfStatus(error);
  if (error instanceof AppError) return { fate: 'not_run', error };
  if (error instanceof NotSent || isWithoutConnection(error)) {
    const text = UNREACHABLE;
    return { fate: 'not_run', way: 'unreachable', error: new AppError('CONNECTION_FAILED', { text, cause: error }) };
  }
  return { fate: 'lost', way: 'unreachable', error: new AppError('CONNECTION_LOST', { cause: error }) };
}

function failureOfRpc(error: McpError): Failure {
  // The SDK's own two, told from a server's by their words: servers use these codes as well.
  if (error.code === ErrorCode.ConnectionClosed && error.message.endsWith('Connection closed'))
    return { fate: 'lost', way: 'unreachable', error: new AppError('CONNECTION_LOST', { cause: error }) };
  if (error.code === ErrorCode.RequestTimeout)
    return { fate: 'timeout', error: new AppError('TIMEOUT', { cause: error }) };
  return { fate: 'answered', error: errorOfRpc(error) };
}

/** A request that is answered by such a status was refused before the line: 4xx, and 503 of a stopped or full router. */
function failureOfStatus(error: StreamableHTTPError): Failure {
  const { code = 0 } = error;
  const refusal = errorOfHttp(error.message);
  if (code === 401) {
    return { fate: 'not_run', way: 'token', error: refusal ?? new AppError('UNAUTHENTICATED', { cause: error }) };
  }
  if (code === 404) {
    return { fate: 'not_run', way: 'session', error: refusal ?? new AppError('UNKNOWN_SESSION', { cause: error }) };
  }
  if (refusal !== undefined && ((code >= 400 && code < 500) || code === 503))
    return { fate: 'not_run', error: refusal };
  return { fate: 'lost', error: new AppError('CONNECTION_LOST', { cause: error }) };
}

function isWithoutConnection(error: unknown): boolean {
  const cause: unknown = error instanceof Error ? error.cause : undefined;
  return cause instanceof Error && 'code' in cause && NO_CONNECTION.has(String(cause.code));
}
