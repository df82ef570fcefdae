/**
 * Reads what an upstream lists (tools, resources, templates, prompts) into items whose octets stay as they came: a list is
 * put together again from them, with nothing lost that this version does not know.
 */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { AppError } from '../../shared/errors.ts';
import { digest } from '../../shared/json/canonical.ts';
import { decodeOctets, type Octets, parseOctets, stringifyOctets } from '../../shared/json/octets.ts';
import { type Member, RELAY_LIMITS, type ScanLimits, scanArray, scanObject } from '../../shared/json/scan.ts';
import { octetsOf } from '../message.ts';

/** One kind of list: the method that asks for it, the result's member that holds it, and what names an item. */
export interface ListKind {
  readonly method: string;
  readonly member: string;
  readonly key: 'name' | 'uri' | 'uriTemplate';
  readonly capability: 'tools' | 'resources' | 'prompts';
  readonly changed: string;
}

export const LISTS = {
  tools: {
    method: 'tools/list',
    member: 'tools',
    key: 'name',
    capability: 'tools',
    changed: 'notifications/tools/list_changed',
  },
  resources: {
    method: 'resources/list',
    member: 'resources',
    key: 'uri',
    capability: 'resources',
    changed: 'notifications/resources/list_changed',
  },
  templates: {
    method: 'resources/templates/list',
    member: 'resourceTemplates',
    key: 'uriTemplate',
    capability: 'resources',
    changed: 'notifications/resources/list_changed',
  },
  prompts: {
    method: 'prompts/list',
    member: 'prompts',
    key: 'name',
    capability: 'prompts',
    changed: 'notifications/prompts/list_changed',
  },
} as const satisfies Record<string, ListKind>;

export type ListName = keyof typeof LISTS;
export const LIST_NAMES = Object.keys(LISTS) as ListName[];

/** One listed thing as its server describes it. */
export interface Item {
  /** Its own name, uri or template. */
  readonly own: string;
  readonly octets: Octets;
  /** Where the JSON string of `own` lies in `octets`. */
  readonly at: { readonly start: number; readonly end: number };
  /** SHA-256 of what a model and a validator see of it (RFC 8785): title, description, schemas, annotations, … */
  readonly digest: string;
  /** It changes nothing, by its own word. */
  readonly readOnly: boolean;
  /** Running it twice does what running it once does, by its own word. */
  readonly idempotent: boolean;
}

export type Definitions = { readonly [list in ListName]: readonly Item[] };

export const NO_DEFINITIONS: Definitions = { tools: [], resources: [], templates: [], prompts: [] };

const hints = z.looseObject({
  annotations: z
    .looseObject({ readOnlyHint: z.boolean().optional(), idempotentHint: z.boolean().optional() })
    .optional(),
});

/** Characters of a name, URI or template. */
export const MAX_OWN = 8_192;
/** Octets of one definition; what is larger is not listed. */
const MAX_OCTETS = 256 * 1024;
/** What one definition may hold: any work on it takes milliseconds, and what is read of it is what anybody reads of it (D04). */
const DEFINITION_LIMITS: ScanLimits = { maxDepth: 64, maxValues: 20_000, maxKeys: 10_000, uniqueKeys: true };

/** One page of a list, its items not taken apart yet. */
export interface Page {
  /** The array of them. */
  readonly text: Octets;
  readonly cursor: Octets | undefined;
}

/** @throws AppError INVALID_REQUEST when the result is not that list */
export function readPage(result: Octets, list: ListKind): Page {
  const members = scanObject(result, RELAY_LIMITS);
  const array = members.find((member) => member.key === list.member);
  if (array === undefined || result[array.start] !== '[') {
    throw new AppError('INVALID_REQUEST', {
      text: `The server answered ${list.method} without a list of ${list.member}`,
    });
  }
  const next = members.find((member) => member.key === 'nextCursor');
  const cursor = next !== undefined && result[next.start] === '"' ? octetsOf(result, next) : undefined;
  return { text: octetsOf(result, array), cursor };
}

/** The items of a page, not read yet. */
export function itemsOf({ text }: Page): Octets[] {
  return scanArray(text, RELAY_LIMITS).map((element) => octetsOf(text, element));
}

/** Undefined when it is no object with a usable key, or more than a definition may be. */
export function readItem(octets: Octets, key: ListKind['key']): Item | undefined {
  if (octets[0] !== '{' || octets.length > MAX_OCTETS) return undefined;
  let members: Member[];
  try {
    members = scanObject(octets, DEFINITION_LIMITS);
  } catch {
    return undefined;
  }
  const at = members.find((member) => member.key === key);
  if (at === undefined || octets[at.start] !== '"') return undefined;
  const own = JSON.parse(decodeOctets(octetsOf(octets, at))) as string;
  if (own.length > MAX_OWN) return undefined;
  const value = parseOctets(octets);
  const { annotations } = hints.safeParse(value).data ?? {};
  return {
    own,
    octets,
    at,
    digest: digestOf(value, octets),
    readOnly: annotations?.readOnlyHint === true,
    idempotent: annotations?.idempotentHint === true,
  };
}

/** RFC 8785 knows no lone surrogates; a definition that holds some is known by its octets. */
function digestOf(value: unknown, octets: Octets): string {
  try {
    return digest(value);
  } catch {
    return createHash('sha256').update(octets, 'latin1').digest('hex');
  }
}

/** An item's octets under another name. */
export function renamed(item: Item, name: string): Octets {
  if (name === item.own) return item.octets;
  return (item.octets.slice(0, item.at.start) + stringifyOctets(name) + item.octets.slice(item.at.end)) as Octets;
}

/** Whether two lists show the same, in the same order. */
export function sameItems(a: readonly Item[], b: readonly Item[]): boolean {
  return a.length === b.length && a.every((item, i) => item.octets === b[i]!.octets);
}
