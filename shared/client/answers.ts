/** The router's refusals as AppErrors again, for its clients: by `data.reason`, with the router's words. */
import type { CallToolResult, McpError } from '@modelcontextprotocol/sdk/types.js';
import { z } from 'zod';
import { AppError, type ErrorKindName, type Reason } from '../errors.ts';

/** The kind that stands for each reason; several kinds may share one. */
const KINDS: Readonly<Record<Reason, ErrorKindName>> = {
  INVALID_MESSAGE_FORMAT: 'INVALID_PARAMS',
  INVALID_MESSAGE_ID: 'INVALID_ID',
  INVALID_PROTOCOL_VERSION: 'INVALID_VERSION',
  MESSAGE_TOO_LARGE: 'MESSAGE_TOO_LARGE',
  UNAUTHORIZED_ACCESS: 'UNKNOWN_NAME',
  AUDIT_UNAVAILABLE: 'AUDIT_UNAVAILABLE',
  STORE_UNAVAILABLE: 'STORE_UNAVAILABLE',
  EMERGENCY_STOP: 'EMERGENCY_STOP',
  APPROVAL_REQUIRED: 'APPROVAL_REQUIRED',
  RATE_LIMIT_EXCEEDED: 'RATE_LIMITED',
  UPSTREAM_UNAVAILABLE: 'UPSTREAM_UNAVAILABLE',
  TIMEOUT: 'TIMEOUT',
  OUTCOME_UNKNOWN: 'OUTCOME_UNKNOWN',
  RESULT_TOO_LARGE: 'RESULT_TOO_LARGE',
  SECURITY_VIOLATION: 'SECURITY_VIOLATION',
  INVALID_API_KEY: 'UNAUTHENTICATED',
  CONNECTION_FAILED: 'INTERNAL',
  CONNECTION_LOST: 'CONNECTION_LOST',
  RECONNECTION_FAILED: 'RECONNECTION_FAILED',
  HEARTBEAT_TIMEOUT: 'HEARTBEAT_TIMEOUT',
  CONFLICT: 'CONFLICT',
  DEFINITION_CHANGED: 'DEFINITION_CHANGED',
};

const dataSchema = z.looseObject({ reason: z.string() });

/** Of a JSON-RPC error; the SDK puts a prefix before the router's words. */
export function errorOfRpc({ message, data }: McpError): AppError {
  return appError(message.replace(/^MCP error -?\d+: /, ''), data);
}

/** Of a tool's result with `isError`. */
export function errorOfResult({ content, _meta }: CallToolResult): AppError {
  const text = content.map((block) => (block.type === 'text' ? block.text : '')).join('');
  return appError(text, _meta?.['io.aivillage/error']);
}

function appError(text: string, data: unknown): AppError {
  const parsed = dataSchema.safeParse(data);
  if (!parsed.success) return new AppError('UPSTREAM_INVALID', { text });
  const { reason, ...rest } = parsed.data;
  const kind = Object.hasOwn(KINDS, reason) ? KINDS[reason as Reason] : 'UPSTREAM_INVALID';
  return new AppError(kind, { text, data: rest });
}
