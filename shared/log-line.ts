/**
 * Makes a printed log line safe to keep: one JSON object, no secrets, no characters that break or disguise a line, no
 * endless values. Works on the finished line, so nothing that was logged goes around it. Writes nothing.
 */
import { createHash } from 'node:crypto';

const MAX_VALUE_LENGTH = 8192;
const KEPT_LENGTH = 1024;
const MAX_LINE_LENGTH = 256 * 1024;
const REDACTED = '[redacted]';

/** A key that may be one of a secret's; told exactly by `isSecretKey`. */
const SECRET_HINT = /token|secret|passw|passphrase|authorization|cookie|key|credential|assertion|jwt/i;
const SECRET_KEYS = new Set(['authorization', 'proxyauthorization', 'cookie', 'setcookie', 'assertion', 'jwt']);
const SECRET_ENDS = /(token|secret|password|passwd|passphrase|apikey|privatekey|secretkey|credentials?)$/;
const HARMLESS_KEYS = new Set(['progresstoken']);

/** Secrets by their own looks, wherever they stand in a text. None of these can backtrack into a second run. */
const SECRET_VALUES: readonly (readonly [RegExp, string])[] = [
  [/(?<![\w-])eyJ[\w-]{5,}\.[\w-]{5,}\.[\w-]*/g, REDACTED],
  [/\b(Bearer|Basic) +[\w.~+/-]{8,}=*/gi, `$1 ${REDACTED}`],
  [/-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----[^"]*/g, REDACTED],
  [/([?&](?:access_token|refresh_token|token|api_?key|key|secret|code)=)[^&\s"\\]+/gi, `$1${REDACTED}`],
];

/** Controls, line ends of Unicode, direction marks, zero widths and tags: what a terminal or a reader would obey. */
const UNSEEN = /[\u007f-\u009f\p{Cf}\u2028\u2029]/gu;

/**
 * @param line one JSON object as the logger printed it, with or without its line end
 * @returns the line with `\n`; when it is not JSON or too long, a short one in its place that says so
 */
export function sealLine(line: string): string {
  let text = line.trimEnd();
  try {
    const isSuspect = text.length > MAX_VALUE_LENGTH || SECRET_HINT.test(text);
    const parsed: unknown = JSON.parse(text, isSuspect ? hideAndCut : undefined);
    if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) return substitute('is no object', line);
    if (isSuspect) text = JSON.stringify(parsed);
  } catch {
    return substitute('could not be printed', line);
  }
  if (text.length > MAX_LINE_LENGTH) return substitute('was too long', line);
  for (const [pattern, instead] of SECRET_VALUES) text = text.replace(pattern, instead);
  return `${text.replace(UNSEEN, escapeCharacter)}\n`;
}

/** True for names whose value is kept out of every log. */
export function isSecretKey(key: string): boolean {
  const bare = key.toLowerCase().replaceAll(/[-_.]/g, '');
  return !HARMLESS_KEYS.has(bare) && (SECRET_KEYS.has(bare) || SECRET_ENDS.test(bare));
}

function hideAndCut(key: string, value: unknown): unknown {
  if (typeof value === 'number' || typeof value === 'boolean' || value === null) return value;
  if (isSecretKey(key)) return REDACTED;
  return typeof value === 'string' && value.length > MAX_VALUE_LENGTH ? cut(value) : value;
}

function cut(value: string): string {
  return `${value.slice(0, KEPT_LENGTH)}… (${value.length} characters, ${digest(value)})`;
}

function digest(value: string): string {
  return `sha256:${createHash('sha256').update(value).digest('hex').slice(0, 16)}`;
}

function substitute(why: string, line: string): string {
  const msg = `a log line ${why} (${line.length} characters, ${digest(line)})`;
  return `${JSON.stringify({ level: 'error', time: new Date().toISOString(), pid: process.pid, msg })}\n`;
}

function escapeCharacter(character: string): string {
  return character
    .split('')
    .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
    .join('');
}
