/** Step 3: the row of the matrix that decides, and what it says. Here a call is denied, and nowhere else. */
import { AppError } from '../../shared/errors.ts';
import { LOCAL_CALLER } from '../../shared/identity/local-caller.ts';
import { parseExact } from '../../shared/json/exact.ts';
import { decodeOctets } from '../../shared/json/octets.ts';
import type { Allowed } from '../../shared/matrix/decide.ts';
import type { Matrix } from '../../shared/matrix/matrix.ts';
import type { Call } from '../call.ts';
import type { Entry } from '../catalog/catalog.ts';
import { memberOf, octetsOf } from '../message.ts';
import { unknownName } from './resolve.ts';

export const JUSTIFICATION_META_KEY = 'io.aivillage/justification';

/** A denial: to the caller it is an unknown name; the audit learns the reasons. */
export class Denied extends AppError {
  readonly reasons: readonly string[];
  constructor(shown: AppError, reasons: readonly string[]) {
    super(shown.kind, { text: shown.message });
    this.reasons = reasons;
  }
}

/** Throws Denied. */
export function authorize(call: Call, entry: Entry, matrix: Matrix): Allowed {
  const decision = matrix.decide(call.caller, entry.target, {
    justification: justificationOf(call),
    arguments: () => argumentsOf(call),
  });
  call.rule = decision.row?.match;
  if (entry.server.options.profile?.require_authentication === true && call.caller === LOCAL_CALLER)
    throw new Denied(unknownName(entry.target.kind, entry.name), ['the server asks for a caller with a token']);
  if (decision.allowed && entry.awaitsApproval) throw new AppError('DEFINITION_CHANGED');
  if (decision.allowed) return decision;
  const shown = decision.visible
    ? new AppError('FORBIDDEN', { text: `Not allowed this way: ${decision.reasons.join('; ')}` })
    : unknownName(entry.target.kind, entry.name);
  throw new Denied(shown, decision.reasons);
}

/** What the caller says of why, if it says something. */
export function justificationOf(call: Call): string | undefined {
  const member = memberOf(memberOf(call.message.params, '_meta'), JUSTIFICATION_META_KEY);
  if (member === undefined) return undefined;
  const value: unknown = JSON.parse(decodeOctets(octetsOf(call.message.text, member)));
  return typeof value === 'string' ? value : undefined;
}

/** Parsed without loss, so that what is checked is what is forwarded. */
function argumentsOf(call: Call): unknown {
  const member = memberOf(call.message.params, 'arguments');
  return member === undefined ? {} : parseExact(decodeOctets(octetsOf(call.message.text, member)));
}
