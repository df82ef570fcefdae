/** Owns which characters of JSON text a terminal would obey or not show, beyond those that JSON escapes by itself. */

const SOURCE = '[\\u007f-\\u009f\\u061c\\u200b-\\u200f\\u2028-\\u202e\\u2060-\\u206f\\ufeff]|\\udb40[\\udc00-\\udc7f]';
const every = new RegExp(SOURCE, 'g');
const any = new RegExp(SOURCE);

export function isUnsafe(json: string): boolean {
  return any.test(json);
}

/** JSON text with those characters as escapes. They can only stand inside its strings, so it means the same. */
export function escapeUnsafe(json: string): string {
  return json.replace(every, (found) =>
    Array.from({ length: found.length }, (_, at) => `\\u${found.charCodeAt(at).toString(16).padStart(4, '0')}`).join(
      '',
    ),
  );
}
