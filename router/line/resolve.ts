/** Step 2: what the call names, and which server has it. What nobody lists is unknown. */
import { z } from 'zod';
import { AppError } from '../../shared/errors.ts';
import type { Call } from '../call.ts';
import type { Catalog, Entry, View } from '../catalog/catalog.ts';
import { awaitsFirstStart, firstStarts } from '../catalog/first-starts.ts';
import { parseParams, stringOf } from '../message.ts';

/**
 * At once when it is listed. What is not waits for servers that are on their first start, because it may be theirs.
 * @throws AppError INVALID_PARAMS or UNKNOWN_NAME, at once or as a rejection
 */
export function resolve(call: Call, catalog: Catalog): Entry | Promise<Entry> {
  const view = catalog.view(call.session.endpoint);
  try {
    return find(call, view);
  } catch (error) {
    if (!(error instanceof AppError) || error.kind !== 'UNKNOWN_NAME' || !awaitsFirstStart(view, nameIn(call)))
      throw error;
    return findLater(call, catalog);
  }
}

/** The name that decides which server may have it; resources have none that does. */
function nameIn(call: Call): string {
  return call.message.method === 'tools/call' || call.message.method === 'prompts/get'
    ? (stringOf(call.message, 'name') ?? '')
    : '';
}

/** A call that comes with the router's own start waits so long for its server. */
const FIRST_START_MS = 5_000;

async function findLater(call: Call, catalog: Catalog): Promise<Entry> {
  await firstStarts(catalog.view(call.session.endpoint), FIRST_START_MS);
  return find(call, catalog.view(call.session.endpoint));
}

/** What is listed at this moment. Throws AppError INVALID_PARAMS or UNKNOWN_NAME. */
export function find(call: Call, view: View): Entry {
  switch (call.message.method) {
    case 'tools/call':
      return named(call, view.lists.tools, view.waiting.tools, 'tool');
    case 'prompts/get':
      return named(call, view.lists.prompts, view.waiting.prompts, 'prompt');
    case 'completion/complete':
      return referenced(call, view);
    default:
      return resource(view, required(call, 'uri'));
  }
}

/** The words for a name that is not there, or not for this caller: one form for both. */
export function unknownName(what: 'tool' | 'prompt' | 'resource', name: string): AppError {
  return new AppError('UNKNOWN_NAME', { text: `Unknown ${what}: ${name.slice(0, MAX_NAME)}` });
}

const MAX_NAME = 256;

function required(call: Call, key: 'name' | 'uri'): string {
  const value = stringOf(call.message, key);
  if (value === undefined)
    throw new AppError('INVALID_PARAMS', { text: `${call.message.method} needs params.${key}, a string` });
  return value;
}

function named(
  call: Call,
  entries: ReadonlyMap<string, Entry>,
  waiting: ReadonlyMap<string, Entry>,
  what: 'tool' | 'prompt',
): Entry {
  const name = required(call, 'name');
  const entry = entries.get(name) ?? waiting.get(name);
  if (entry === undefined) throw unknownName(what, name);
  return entry;
}

function resource(view: View, uri: string): Entry {
  const entry = view.resource(uri);
  if (entry === undefined) throw unknownName('resource', uri);
  return entry;
}

/** Strict, so that no other spelling of `name` or `uri` passes beside the one that is decided on. */
const completeParams = z.looseObject({
  ref: z.discriminatedUnion('type', [
    z.strictObject({ type: z.literal('ref/prompt'), name: z.string(), title: z.string().optional() }),
    z.strictObject({ type: z.literal('ref/resource'), uri: z.string() }),
  ]),
});

function referenced(call: Call, view: View): Entry {
  const params = completeParams.safeParse(parseParams(call.message));
  if (!params.success) {
    throw new AppError('INVALID_PARAMS', {
      text: 'completion/complete needs params.ref: {type: ref/prompt, name} or {type: ref/resource, uri}',
    });
  }
  const { ref } = params.data;
  if (ref.type === 'ref/resource') return view.lists.templates.get(ref.uri) ?? resource(view, ref.uri);
  const entry = view.lists.prompts.get(ref.name);
  if (entry === undefined) throw unknownName('prompt', ref.name);
  return entry;
}
