/** One call as it is sent, and what it may be given beside its arguments. Sends once. */
import { type CallToolResult, CallToolResultSchema, type Progress } from '@modelcontextprotocol/sdk/types.js';
import type { Approval } from './approval.ts';
import type { Live } from './connection.ts';

export interface CallOptions {
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: Progress) => void;
  /** Why the call is made, where the matrix asks for it. */
  readonly justification?: string;
  /** `true`: wait for the vote on a gated call, as long as `approvalTimeoutMs` (a day). Else it ends with APPROVAL_REQUIRED. */
  readonly awaitApproval?: boolean;
  readonly approvalTimeoutMs?: number;
  /** Called with the proposal of a gated call, and whenever its state was asked. */
  readonly onApproval?: (approval: Approval) => void;
  /** `false`: never sent twice, whatever the tool says of itself. */
  readonly retry?: boolean;
}

export type Arguments = Readonly<Record<string, unknown>>;

export function sendCall(
  { client }: Live,
  name: string,
  args: Arguments,
  { signal, onProgress, justification }: CallOptions,
  timeoutMs: number,
): Promise<CallToolResult> {
  const _meta = justification === undefined ? {} : { _meta: { 'io.aivillage/justification': justification } };
  const request = { method: 'tools/call', params: { name, arguments: { ...args }, ..._meta } };
  return client.request(request, CallToolResultSchema, {
    timeout: Math.max(1, timeoutMs),
    ...(signal !== undefined && { signal }),
    ...(onProgress !== undefined && { onprogress: onProgress }),
  });
}

export function textOf({ content }: CallToolResult): string {
  return content.map((block) => (block.type === 'text' ? block.text : '')).join('');
}
