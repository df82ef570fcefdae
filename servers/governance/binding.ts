/**
 * Owns what an approval is bound to: this caller, this tool of this server as it was defined, these arguments, this
 * matrix. Compares; never decides what follows from a difference.
 */
import type { Action } from './events.ts';

/** A digest of any JSON value in its one canonical form (RFC 8785): equal values, equal digests, whatever their spelling. */
export type Digest = (value: unknown) => string;

/** What was approved, or what would run now. All fields are compared as exact strings. */
export type CallBinding = Readonly<Action['binding']>;

export interface CallToBind {
  /** The requester's agent id, from its token. */
  readonly caller: string;
  readonly serverId: string;
  /** The tool's own name at its server, not the name it is listed under. */
  readonly tool: string;
  readonly definitionDigest: string;
  /** Parsed arguments; a call without arguments is bound as `{}`. */
  readonly arguments: unknown;
  readonly matrixVersion: string;
}

export function bindCall(call: CallToBind, digest: Digest): CallBinding {
  const { caller, serverId, tool, definitionDigest, matrixVersion } = call;
  return {
    caller,
    serverId,
    tool,
    definitionDigest,
    argumentsDigest: digest(call.arguments === undefined ? {} : call.arguments),
    matrixVersion,
  };
}

/** Who asks for what: equal for two requests of the same call, whatever became of the tool's definition or the matrix since. */
export function callKey(binding: CallBinding): string {
  return JSON.stringify([binding.caller, binding.serverId, binding.tool, binding.argumentsDigest]);
}

const FIELDS = {
  caller: 'the requester',
  serverId: 'the server',
  tool: 'the tool',
  definitionDigest: "the tool's definition",
  argumentsDigest: 'the arguments',
  matrixVersion: 'the permission matrix',
} as const satisfies Record<keyof CallBinding, string>;

/** In words what differs between two bindings; empty when the approval covers the call. */
export function whatChanged(approved: CallBinding, current: CallBinding): string[] {
  return (Object.keys(FIELDS) as (keyof CallBinding)[])
    .filter((field) => approved[field] !== current[field])
    .map((field) => FIELDS[field]);
}
