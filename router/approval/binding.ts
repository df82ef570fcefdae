/**
 * What a call is, for a vote on it: this caller, this tool of this server as it is defined, these arguments, this row of the
 * matrix. The same everywhere where a call is asked for, asked about, and made.
 */
import { AppError } from '../../shared/errors.ts';
import type { Caller } from '../../shared/identity/caller.ts';
import { CanonicalJsonError, digest } from '../../shared/json/canonical.ts';
import { InexactNumberError, parseExact } from '../../shared/json/exact.ts';
import type { PermissionRow } from '../../shared/matrix/rows.ts';
import type { Entry } from '../catalog/catalog.ts';
import type { Ticket } from './ticket.ts';

const digests = new WeakMap<PermissionRow, string>();

/** Of the row that decides, so that a change elsewhere in the matrix leaves what waits as it is. */
export function rowDigest(row: PermissionRow): string {
  let known = digests.get(row);
  if (known === undefined) {
    known = digest(row);
    digests.set(row, known);
  }
  return known;
}

/**
 * Of the arguments in their one form (RFC 8785).
 * @throws AppError INVALID_PARAMS for numbers that change by parsing, and texts that are no Unicode
 */
export function argumentsDigest(argumentsText: string): string {
  try {
    return digest(parseExact(argumentsText));
  } catch (error) {
    if (error instanceof InexactNumberError || error instanceof CanonicalJsonError || error instanceof SyntaxError) {
      throw new AppError('INVALID_PARAMS', {
        text: `A call that needs a vote must have arguments that read one way only: ${error.message}`,
      });
    }
    throw error;
  }
}

export function ticketFor(
  caller: Caller,
  entry: Entry,
  row: PermissionRow,
  argumentsText: string,
  justification: string,
): Ticket {
  const { agentId, role, level, permissions, tokenId } = caller;
  return {
    caller: { agentId, role, level, permissions: [...permissions], tokenId },
    serverId: entry.server.id,
    tool: entry.item.own,
    definitionDigest: entry.item.digest,
    argumentsDigest: argumentsDigest(argumentsText),
    rowDigest: rowDigest(row),
    justification,
  };
}
