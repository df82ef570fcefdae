/** E-mail addresses. Goes from each `@` outwards, with bounds, so the work stays in proportion to the text. */
import type { Finding } from '../findings.ts';

const LONGEST_LOCAL = 64;
const LONGEST_DOMAIN = 253;
const LOCAL = /[\p{L}\p{N}.!#$%&'*+/=?^_`{|}~-]/u;

export function findEmails(text: string): Finding[] {
  const found: Finding[] = [];
  let from = 0;
  for (let at = text.indexOf('@'); at >= 0; at = text.indexOf('@', at + 1)) {
    const start = localStart(text, at, Math.max(from, at - LONGEST_LOCAL));
    if (start === at) continue;
    DOMAIN.lastIndex = at + 1;
    const domain = DOMAIN.exec(text)?.[0];
    if (domain === undefined || domain.length > LONGEST_DOMAIN) continue;
    from = at + 1 + domain.length;
    found.push({ kind: 'email', start, end: from, confidence: 0.98, rule: 'email' });
  }
  return found;
}

/** Labels of at most 63 characters, at most 8 of them, the last without digits. */
const DOMAIN =
  /(?:[\p{L}\p{N}](?:[\p{L}\p{N}-]{0,61}[\p{L}\p{N}])?\.){1,8}(?:xn--[a-z0-9-]{1,59}|\p{L}{2,24})(?![\p{L}\p{N}])/uy;

function localStart(text: string, at: number, least: number): number {
  let start = at;
  while (start > least && LOCAL.test(text[start - 1]!)) start--;
  while (start < at && /[.'*=/{|]/.test(text[start]!)) start++;
  return start;
}
