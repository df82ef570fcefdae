import { expect, it } from 'vitest';
import { AppError, ERRORS, toAppError } from '../../shared/errors.ts';

/** What clients and their authors rely on; a change here breaks them. Kind, JSON-RPC code, HTTP status, `data.reason`. */
const pinned = [
  'PARSE_ERROR -32700 400 INVALID_MESSAGE_FORMAT',
  'INVALID_REQUEST -32600 400 INVALID_MESSAGE_FORMAT',
  'INVALID_ID -32600 400 INVALID_MESSAGE_ID',
  'INVALID_VERSION -32600 400 INVALID_PROTOCOL_VERSION',
  'MESSAGE_TOO_LARGE -32600 413 MESSAGE_TOO_LARGE',
  'UNSUPPORTED_MEDIA_TYPE -32600 415 INVALID_MESSAGE_FORMAT',
  'NOT_ACCEPTABLE -32600 406 INVALID_MESSAGE_FORMAT',
  'METHOD_NOT_FOUND -32601 200 INVALID_MESSAGE_FORMAT',
  'INVALID_PARAMS -32602 200 INVALID_MESSAGE_FORMAT',
  'UNKNOWN_NAME -32602 200 UNAUTHORIZED_ACCESS',
  'INTERNAL -32603 500 CONNECTION_FAILED',
  'AUDIT_UNAVAILABLE -32603 503 AUDIT_UNAVAILABLE',
  'IDENTITY_UNAVAILABLE -32603 503 CONNECTION_FAILED',
  'STORE_UNAVAILABLE -32603 503 STORE_UNAVAILABLE',
  'EMERGENCY_STOP -32003 503 EMERGENCY_STOP',
  'APPROVAL_REQUIRED -32004 200 APPROVAL_REQUIRED',
  'RATE_LIMITED -32005 429 RATE_LIMIT_EXCEEDED',
  'UPSTREAM_UNAVAILABLE -32006 200 UPSTREAM_UNAVAILABLE',
  'UPSTREAM_INVALID -32006 200 UPSTREAM_UNAVAILABLE',
  'TIMEOUT -32007 200 TIMEOUT',
  'OUTCOME_UNKNOWN -32008 200 OUTCOME_UNKNOWN',
  'RESULT_TOO_LARGE -32009 200 RESULT_TOO_LARGE',
  'SECURITY_VIOLATION -32010 403 SECURITY_VIOLATION',
  'UNAUTHENTICATED -32011 401 INVALID_API_KEY',
  'FORBIDDEN -32012 403 UNAUTHORIZED_ACCESS',
  'CONNECTION_FAILED -32013 200 CONNECTION_FAILED',
  'CONNECTION_LOST -32014 200 CONNECTION_LOST',
  'RECONNECTION_FAILED -32015 200 RECONNECTION_FAILED',
  'HEARTBEAT_TIMEOUT -32016 200 HEARTBEAT_TIMEOUT',
  'CONFLICT -32018 409 CONFLICT',
  'UNKNOWN_SESSION -32017 404 CONNECTION_LOST',
];

it('[S8] the table of errors is this', () => {
  const printed = Object.entries(ERRORS).map(
    ([kind, { code, httpStatus, reason }]) => `${kind} ${code} ${httpStatus} ${reason}`,
  );
  expect(printed).toEqual(pinned);
});

it('[S8] an error leaves as code, public text and reason, and its cause stays', () => {
  const error = new AppError('TIMEOUT', { data: { retryAfterMs: 5 }, cause: new Error('postgres://secret') });
  const left = error.toJsonRpc();
  expect(left).toEqual({
    code: -32007,
    message: 'No answer in time; the call was cancelled',
    data: { reason: 'TIMEOUT', retryAfterMs: 5 },
  });
  expect(JSON.stringify(toAppError(new Error('postgres://secret')).toJsonRpc())).not.toContain('secret');
});
