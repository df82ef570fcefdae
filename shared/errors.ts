/**
 * Owns the one table of errors that leave a process: kind → JSON-RPC code, HTTP status, `data.reason`, public text.
 * Anything not thrown as an AppError leaves as INTERNAL and says nothing of its cause.
 */

interface ErrorKind {
  readonly code: number;
  readonly httpStatus: number;
  readonly reason: string;
  readonly text: string;
}

/** Codes -32700 and -32600 … -32603 are JSON-RPC's; -32003 … -32019 are ours (LIBRARIES: the neighbours are taken). */
export const ERRORS = {
  PARSE_ERROR: {
    code: -32700,
    httpStatus: 400,
    reason: 'INVALID_MESSAGE_FORMAT',
    text: 'The message is not valid JSON in UTF-8',
  },
  INVALID_REQUEST: {
    code: -32600,
    httpStatus: 400,
    reason: 'INVALID_MESSAGE_FORMAT',
    text: 'The message is not a JSON-RPC 2.0 message',
  },
  INVALID_ID: {
    code: -32600,
    httpStatus: 400,
    reason: 'INVALID_MESSAGE_ID',
    text: 'The id must be a string or an integer, and not in use',
  },
  INVALID_VERSION: {
    code: -32600,
    httpStatus: 400,
    reason: 'INVALID_PROTOCOL_VERSION',
    text: 'The protocol version is not supported',
  },
  MESSAGE_TOO_LARGE: { code: -32600, httpStatus: 413, reason: 'MESSAGE_TOO_LARGE', text: 'The message is too large' },
  UNSUPPORTED_MEDIA_TYPE: {
    code: -32600,
    httpStatus: 415,
    reason: 'INVALID_MESSAGE_FORMAT',
    text: 'The body must be plain application/json',
  },
  NOT_ACCEPTABLE: {
    code: -32600,
    httpStatus: 406,
    reason: 'INVALID_MESSAGE_FORMAT',
    text: 'The client must accept what it may get',
  },
  METHOD_NOT_FOUND: { code: -32601, httpStatus: 200, reason: 'INVALID_MESSAGE_FORMAT', text: 'Method not found' },
  INVALID_PARAMS: {
    code: -32602,
    httpStatus: 200,
    reason: 'INVALID_MESSAGE_FORMAT',
    text: 'The params are not what the method takes',
  },
  /** Denied and unknown are the same answer, so that nobody learns what exists (M2). */
  UNKNOWN_NAME: { code: -32602, httpStatus: 200, reason: 'UNAUTHORIZED_ACCESS', text: 'Unknown name' },
  INTERNAL: {
    code: -32603,
    httpStatus: 500,
    reason: 'CONNECTION_FAILED',
    text: 'Internal error; the log has the cause under this correlation id',
  },
  AUDIT_UNAVAILABLE: {
    code: -32603,
    httpStatus: 503,
    reason: 'AUDIT_UNAVAILABLE',
    text: 'The audit record cannot be written, so nothing was run; try again later',
  },
  /** Signing in, refreshing and revoking; a call on an unreadable revocation list is UNAUTHENTICATED. */
  IDENTITY_UNAVAILABLE: {
    code: -32603,
    httpStatus: 503,
    reason: 'CONNECTION_FAILED',
    text: 'The store of users and revocations cannot be read or written; nothing was changed; try again later',
  },
  /** A store that is one person's: damaged, or locked with another key. */
  STORE_UNAVAILABLE: {
    code: -32603,
    httpStatus: 503,
    reason: 'STORE_UNAVAILABLE',
    text: 'The store cannot be opened; nothing was changed',
  },
  EMERGENCY_STOP: { code: -32003, httpStatus: 503, reason: 'EMERGENCY_STOP', text: 'Stopped by an emergency stop' },
  APPROVAL_REQUIRED: {
    code: -32004,
    httpStatus: 200,
    reason: 'APPROVAL_REQUIRED',
    text: 'This call needs an approval',
  },
  RATE_LIMITED: { code: -32005, httpStatus: 429, reason: 'RATE_LIMIT_EXCEEDED', text: 'Too many requests' },
  UPSTREAM_UNAVAILABLE: {
    code: -32006,
    httpStatus: 200,
    reason: 'UPSTREAM_UNAVAILABLE',
    text: 'The server behind this name is not available',
  },
  /** Unlike UPSTREAM_UNAVAILABLE, the call may have run. */
  UPSTREAM_INVALID: {
    code: -32006,
    httpStatus: 200,
    reason: 'UPSTREAM_UNAVAILABLE',
    text: 'The server behind this name sent something that is no MCP answer',
  },
  TIMEOUT: { code: -32007, httpStatus: 200, reason: 'TIMEOUT', text: 'No answer in time; the call was cancelled' },
  OUTCOME_UNKNOWN: {
    code: -32008,
    httpStatus: 200,
    reason: 'OUTCOME_UNKNOWN',
    text: 'The server was lost while it ran the call; it may or may not have taken effect',
  },
  RESULT_TOO_LARGE: {
    code: -32009,
    httpStatus: 200,
    reason: 'RESULT_TOO_LARGE',
    text: 'The result is larger than the limit',
  },
  SECURITY_VIOLATION: { code: -32010, httpStatus: 403, reason: 'SECURITY_VIOLATION', text: 'Refused for security' },
  UNAUTHENTICATED: {
    code: -32011,
    httpStatus: 401,
    reason: 'INVALID_API_KEY',
    text: 'A valid bearer token is required',
  },
  FORBIDDEN: { code: -32012, httpStatus: 403, reason: 'UNAUTHORIZED_ACCESS', text: 'Not allowed' },
  CONNECTION_FAILED: {
    code: -32013,
    httpStatus: 200,
    reason: 'CONNECTION_FAILED',
    text: 'The connection could not be made',
  },
  CONNECTION_LOST: { code: -32014, httpStatus: 200, reason: 'CONNECTION_LOST', text: 'The connection was lost' },
  RECONNECTION_FAILED: {
    code: -32015,
    httpStatus: 200,
    reason: 'RECONNECTION_FAILED',
    text: 'The connection could not be made again',
  },
  HEARTBEAT_TIMEOUT: { code: -32016, httpStatus: 200, reason: 'HEARTBEAT_TIMEOUT', text: 'No heartbeat in time' },
  /** Right in form, but not in the state that is found; `data.status` says which. */
  CONFLICT: { code: -32018, httpStatus: 409, reason: 'CONFLICT', text: 'This is not possible in its present state' },
  /** Of something that its caller may use (others: UNKNOWN_NAME); it is not listed either until somebody approved it. */
  DEFINITION_CHANGED: {
    code: -32019,
    httpStatus: 200,
    reason: 'DEFINITION_CHANGED',
    text: 'Its definition is not the one that was approved; nothing was run. It is withheld until it is approved again',
  },
  UNKNOWN_SESSION: {
    code: -32017,
    httpStatus: 404,
    reason: 'CONNECTION_LOST',
    text: 'Unknown session; initialize again',
  },
} as const satisfies Record<string, ErrorKind>;

export type ErrorKindName = keyof typeof ERRORS;
export type Reason = (typeof ERRORS)[ErrorKindName]['reason'];

export interface AppErrorOptions {
  /** What the caller may read instead of the table's text: expected, came, what to do. Never tokens, arguments, paths, hosts. */
  readonly text?: string;
  /** Public details, beside `reason`. */
  readonly data?: Readonly<Record<string, unknown>>;
  /** For the log only. */
  readonly cause?: unknown;
}

/** The only error whose words reach a client. */
export class AppError extends Error {
  override readonly name = 'AppError';
  readonly kind: ErrorKindName;
  readonly data: Readonly<Record<string, unknown>> | undefined;

  constructor(kind: ErrorKindName, options: AppErrorOptions = {}) {
    super(options.text ?? ERRORS[kind].text, { cause: options.cause });
    this.kind = kind;
    this.data = options.data;
  }

  get httpStatus(): number {
    return ERRORS[this.kind].httpStatus;
  }

  /** The JSON-RPC error object: `{code, message, data: {reason, …}}`. */
  toJsonRpc(): { code: number; message: string; data: Record<string, unknown> } {
    const { code, reason } = ERRORS[this.kind];
    return { code, message: this.message, data: { reason, ...this.data } };
  }
}

/** Any thrown value as an AppError; what was not meant for a client becomes INTERNAL with the original as its cause. */
export function toAppError(thrown: unknown): AppError {
  return thrown instanceof AppError ? thrown : new AppError('INTERNAL', { cause: thrown });
}
