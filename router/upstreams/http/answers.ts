/**
 * Tells whether a message answers one of our requests, so that a transport knows when a stream has done its work. The usual
 * orders of members are seen at a glance, others by the scanner. Decides nothing about the message itself.
 */
import type { Octets } from '../../../shared/json/octets.ts';
import { RELAY_LIMITS, scanObject } from '../../../shared/json/scan.ts';

/** Ids of ours are small whole numbers, written as such. */
const ID = '(0|[1-9][0-9]{0,15})';
const ID_FIRST = new RegExp(`^\\{"jsonrpc":"2\\.0","id":${ID},"(?:result|error)":`);
const ID_LAST = new RegExp(`,"id":${ID}\\}$`);
const WHOLE_ID = new RegExp(`^${ID}$`);
const LAST_BYTES = 32;

/**
 * The id that a response bears.
 * @returns undefined for requests, notifications, responses to no id of ours, and what is no message at all
 */
export function answeredId(message: Octets): number | undefined {
  if (message.startsWith('{"method":') || message.startsWith('{"jsonrpc":"2.0","method":')) return undefined;
  const glance = startsWithOutcome(message) ? idOfTail(message) : idOfHead(message);
  if (glance !== undefined) return glance;
  try {
    const members = scanObject(message, RELAY_LIMITS);
    if (!members.some(({ key }) => key === 'result' || key === 'error')) return undefined;
    if (members.some(({ key }) => key === 'method')) return undefined;
    const id = members.find(({ key }) => key === 'id');
    if (id === undefined) return undefined;
    const text = message.slice(id.start, id.end);
    return WHOLE_ID.test(text) ? Number(text) : undefined;
  } catch {
    return undefined;
  }
}

/** The id by the first bytes of a response too large to be read whole, if they show it. */
export function idOfHead(head: string): number | undefined {
  const match = ID_FIRST.exec(head.length > 64 ? head.slice(0, 64) : head);
  return match === null ? undefined : Number(match[1]);
}

/** True when a message that begins so is a response, and bears its id elsewhere. */
export function startsWithOutcome(head: string): boolean {
  return head.startsWith('{"result":') || head.startsWith('{"error":');
}

/** The id by the last bytes of a message that `startsWithOutcome`, if they show it. */
export function idOfTail(tail: string): number | undefined {
  const match = ID_LAST.exec(tail.slice(-LAST_BYTES));
  return match === null ? undefined : Number(match[1]);
}
