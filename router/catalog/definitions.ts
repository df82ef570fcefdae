/**
 * Reads what an upstream lists (tools, resources, templates, prompts) into items whose octets stay as they came: a list is
 * put together again from them, with nothing lost that this version does not know.
 */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { AppError } from '../../shared/errors.ts';
import { digest } from '../../shared/json/canonical.ts';
import { decodeOctets, type Octets, parseOctets, stringifyOctets } from '../../shared/json/octets.ts';
import { type Member, RELAY_LIMITS, scanArray, scanObject } from '../../shared/json/scan.ts';
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

/**
 * One page of a list.
 * @throws AppError INVALID_REQUEST when the result is not that list
 */
export function readPage(result: Octets, list: ListKind): { items: Item[]; cursor: Octets | undefined; bad: number } {
  const members = scanObject(result, RELAY_LIMITS);
  const array = members.find((member) => member.key === list.member);
  if (array === undefined || result[array.start] !== '[') {
    throw new AppError('INVALID_REQUEST', {
      text: `The server answered ${list.method} without a list of ${list.member}`,
    });
  }
  const text = octetsOf(result, array);
  const items: Item[] = [];
  let bad = 0;
  for (const element of scanArray(text, RELAY_LIMITS)) {
    const item = readItem(octetsOf(text, element), list.key);
    if (item === undefined) bad++;
    else items.push(item);
  }
  const next = members.find((member) => member.key === 'nextCursor');
  const cursor = next !== undefined && result[next.start] === '"' ? octetsOf(result, next) : undefined;
  return { items, cursor, bad };
}

/** Undefined when it is no object with that key as a string, once. */
function readItem(octets: Octets, key: ListKind['key']): Item | undefined {
  if (octets[0] !== '{') return undefined;
  const named = scanObject(octets, RELAY_LIMITS).filter((member) => member.key === key);
  const at: Member | undefined = named[0];
  if (at === undefined || named.length > 1 || octets[at.start] !== '"') return undefined;
  const value = parseOctets(octets);
  const { annotations } = hints.safeParse(value).data ?? {};
  return {
    own: JSON.parse(decodeOctets(octetsOf(octets, at))) as string,
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
