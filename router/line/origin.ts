/**
 * What a call belongs to, as its client says in `_meta`: a workflow (`io.aivillage/workflow`) and a trace (`traceparent`, W3C
 * Trace Context, level 1). The audit records both, so that workflow_analyze can join calls; nothing is decided by them.
 */
import { AppError } from '../../shared/errors.ts';
import { type Message, memberOf, octetsOf } from '../message.ts';

const WORKFLOW_META_KEY = 'io.aivillage/workflow';
export const TRACEPARENT_META_KEY = 'traceparent';

export interface Origin {
  readonly workflow?: string;
  /** 32 hexadecimal digits. */
  readonly trace?: string;
  /** The client's span, 16 hexadecimal digits. */
  readonly parentSpan?: string;
  readonly isSampled?: boolean;
}

const NONE: Origin = {};
const WORKFLOW = /^"([\w.:@/-]{1,128})"$/;
/** Version 00; later versions begin the same way. https://www.w3.org/TR/trace-context/#traceparent-header */
const TRACEPARENT =
  /^"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(?:-[^"]{0,200})?"$/;

/** @throws AppError INVALID_PARAMS for a workflow id that is none; a traceparent that is none is passed over, as W3C asks */
export function originOf(message: Message): Origin {
  const meta = memberOf(message.params, '_meta');
  if (meta === undefined) return NONE;
  const workflow = memberOf(meta, WORKFLOW_META_KEY);
  const parent = memberOf(meta, TRACEPARENT_META_KEY);
  if (workflow === undefined && parent === undefined) return NONE;
  const origin: { -readonly [K in keyof Origin]: Origin[K] } = {};
  if (workflow !== undefined) {
    const id = WORKFLOW.exec(octetsOf(message.text, workflow))?.[1];
    if (id === undefined) {
      throw new AppError('INVALID_PARAMS', {
        text: `_meta["${WORKFLOW_META_KEY}"] must be a string of 1 to 128 letters, digits or . _ : @ / -`,
      });
    }
    origin.workflow = id;
  }
  const trace = parent === undefined ? null : TRACEPARENT.exec(octetsOf(message.text, parent));
  if (trace !== null) {
    const [, id, span, flags] = trace;
    if (id !== undefined) origin.trace = id;
    if (span !== undefined) origin.parentSpan = span;
    origin.isSampled = (Number.parseInt(flags ?? '0', 16) & 1) === 1;
  }
  return origin;
}
