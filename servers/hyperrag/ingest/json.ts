/** Reads JSON values as documents: objects with a `text` as they are, anything else as lines of `place: value`. */
import { chunkText } from './chunk.ts';
import { MAX_ID, MAX_SOURCE, MAX_TEXT, MAX_TITLE, type Read, skip } from './draft.ts';

const DEEPEST = 64;
const MOST_METADATA = 16 * 2 ** 10;
/** Fields that hold the text, the first that is there. */
const TEXT_FIELDS = ['text', 'content', 'body'] as const;
const ID_FIELDS = ['id', '_id'] as const;

/** @param place the id of the value when it has none of its own: file, and line or index */
export function readJsonValue(value: unknown, place: string, title: string): Read {
  if (isObject(value)) {
    const field = TEXT_FIELDS.find((name) => typeof value[name] === 'string');
    if (field !== undefined) return readDocument(value, String(value[field]), place, title);
  }
  const lines: string[] = [];
  if (!flatten(value, '', 0, lines)) return skip(place, `It is nested deeper than ${DEEPEST} levels.`);
  return toDraft(place, title, '', {}, lines.join('\n'));
}

/** The values of a JSON file: an array's each for itself when they are objects with a text, else the whole. */
export function valuesOf(value: unknown): { readonly value: unknown; readonly suffix: string }[] {
  const isList = Array.isArray(value) && value.length > 0 && value.every((item) => isObject(item) && hasText(item));
  if (!isList) return [{ value, suffix: '' }];
  return value.map((item, index) => ({ value: item, suffix: `#${index + 1}` }));
}

function readDocument(value: Record<string, unknown>, text: string, place: string, title: string): Read {
  const ownId = ID_FIELDS.map((name) => value[name]).find((id) => typeof id === 'string' || typeof id === 'number');
  const id = ownId === undefined ? place : String(ownId);
  if (id === '' || id.length > MAX_ID)
    return skip(place, `Its id has ${id.length} characters; 1 to ${MAX_ID} are taken.`);
  const metadata = isObject(value.metadata) ? value.metadata : {};
  const size = JSON.stringify(metadata).length;
  if (size > MOST_METADATA) return skip(id, `Its metadata has ${size} characters; at most ${MOST_METADATA} are taken.`);
  const source = typeof value.source === 'string' ? value.source : '';
  return toDraft(
    id,
    typeof value.title === 'string' ? value.title : ownId === undefined ? title : '',
    source,
    metadata,
    text,
  );
}

function toDraft(id: string, title: string, source: string, metadata: Record<string, unknown>, text: string): Read {
  if (text.length > MAX_TEXT) return skip(id, `Its text has ${text.length} characters; at most ${MAX_TEXT} are taken.`);
  const pieces = chunkText(text.toWellFormed());
  if (pieces.length === 0) return skip(id, 'It holds no text.');
  const draft = { id, title: title.slice(0, MAX_TITLE), source: source.slice(0, MAX_SOURCE), metadata, pieces };
  return { draft };
}

/** @returns false when it is too deep */
function flatten(value: unknown, place: string, depth: number, lines: string[]): boolean {
  if (depth > DEEPEST) return false;
  if (Array.isArray(value)) return value.every((item) => flatten(item, place, depth + 1, lines));
  if (isObject(value)) {
    return Object.entries(value).every(([key, item]) =>
      flatten(item, place === '' ? key : `${place}.${key}`, depth + 1, lines),
    );
  }
  if (value !== null && value !== '') lines.push(place === '' ? String(value) : `${place}: ${String(value)}`);
  return true;
}

function hasText(value: Record<string, unknown>): boolean {
  return TEXT_FIELDS.some((name) => typeof value[name] === 'string');
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
