/** What opens something: URLs that carry a secret, keys with a known form, JSON web tokens, private keys, passwords that are named. */
import type { Finding } from '../findings.ts';

const LONGEST_URL = 2_048;
const LONGEST_SCHEME = 20;

/** Query and fragment parameters whose value lets someone in. */
const SECRET_PARAMETER =
  /[?&#;](?:[a-z]{1,20}[_-])?(?:access[_-]?token|refresh[_-]?token|id[_-]?token|token|api[_-]?key|apikey|secret|client[_-]?secret|password|passwd|pwd|pass|passwort|contrase(?:ñ|n|%C3%B1)a|sig|signature|x-amz-signature|auth|jwt|session(?:_?id)?|sas|credentials?|key)=[^&#;\s]{4,}/i;
const USER_INFO = /^[a-z][a-z0-9+.-]{1,20}:\/\/(?:[^/?#\s:@]{0,100}:[^/?#\s@]{1,200}|[A-Za-z0-9_-]{20,200})@/i;
const WEBHOOK = /^https:\/\/hooks\.slack\.com\/services\/\w|^https:\/\/discord(?:app)?\.com\/api\/webhooks\/\d/i;

export function findSecretUrls(text: string): Finding[] {
  const found: Finding[] = [];
  let from = 0;
  for (let colon = text.indexOf('://'); colon >= 0; colon = text.indexOf('://', Math.max(colon + 3, from))) {
    let start = colon;
    while (start > from && colon - start < LONGEST_SCHEME && /[a-z0-9+.-]/i.test(text[start - 1]!)) start--;
    while (start < colon && !/[a-z]/i.test(text[start]!)) start++;
    if (colon - start < 2) continue;
    const url = /^[^\s<>"`\uE000]*/
      .exec(text.slice(start, start + LONGEST_URL))![0]
      .replace(/[.,;:!?)\]}'»]{1,8}$/, '');
    from = start + url.length;
    const rule = USER_INFO.test(url)
      ? 'url_password'
      : SECRET_PARAMETER.test(url) || WEBHOOK.test(url)
        ? 'url_token'
        : undefined;
    if (rule !== undefined) found.push({ kind: 'secret_url', start, end: from, confidence: 0.95, rule });
  }
  return found;
}

/** Forms that their makers publish. Each begins where no token can go on before it, so a long run is read once. */
const TOKEN = new RegExp(
  `(?<![\\w-])(?:${[
    'sk-(?:proj-|ant-|svcacct-)?[\\w-]{20,220}',
    '[srp]k_(?:live|test)_\\w{16,220}',
    'gh[pousr]_\\w{20,255}',
    'github_pat_\\w{22,255}',
    'glpat-[\\w-]{16,100}',
    'xox[abeprs]-[\\w-]{16,255}',
    '(?:AKIA|ASIA|AROA|AIDA)[A-Z0-9]{16}',
    'AIza[\\w-]{35}',
    'ya29\\.[\\w-]{20,255}',
    'npm_\\w{30,60}',
    'pypi-[\\w-]{50,255}',
    'hf_\\w{30,60}',
    'dop_v1_[a-f0-9]{64}',
    'shp(?:at|ca|pa|ss)_[a-f0-9]{32}',
    'SG\\.[\\w-]{16,40}\\.[\\w-]{30,60}',
    'AGE-SECRET-KEY-1[A-Z0-9]{50,60}',
  ].join('|')})(?![\\w-])`,
  'g',
);
const JWT = /(?<![\w-])eyJ[\w-]+\.[\w-]{4,}\.[\w-]*/g;
const BEARER = /(?<!\w)bearer\s{1,3}([\w.~+/-]{16,4000}={0,2})/gi;

/** A word for a secret, then `:` or `=`, then the value: something that is not a plain word. */
const NAMED =
  /(?<!\p{L})(?:password|passwd|pwd|passphrase|passcode|secret|api[ _-]?key|access[ _-]?key|client[ _-]?secret|(?:access|auth|refresh)[ _-]?token|passwort|kennwort|geheimnis|mot de passe|mdp|contraseña|contrasena|clave(?: secreta| de acceso)?)(?:\s{0,2}(?:is|ist|est|es)\s{1,2}|["']?\s{0,2}[:=]\s{0,2})(["']?)([^\s"',;<>\uE000]{6,200})/giu;

export function findSecrets(text: string): Finding[] {
  const found = findPrivateKeys(text);
  const add = (start: number, value: string, confidence: number, rule: string) => {
    found.push({ kind: 'secret', start, end: start + value.length, confidence, rule });
  };
  for (const { 0: token, index } of text.matchAll(TOKEN)) add(index, token, 0.97, 'api_key');
  for (const { 0: token, index } of text.matchAll(JWT)) add(index, token, 0.97, 'jwt');
  for (const { 0: whole, 1: token, index } of text.matchAll(BEARER)) {
    if (/\d/.test(token!)) add(index + whole.length - token!.length, token!, 0.9, 'bearer');
  }
  for (const { 0: whole, 2: written, index } of text.matchAll(NAMED)) {
    const value = written!.replace(/[.)\]}!?]{1,3}$/, '');
    if (!isPlainWord(value)) add(index + whole.length - written!.length, value, 0.85, 'named_secret');
  }
  return found;
}

/** `password: required` names no secret; `Tr0ub4dor&3x` is one. */
function isPlainWord(value: string): boolean {
  return value.length < 6 || /^[\p{L}-]+$/u.test(value) || /^[\d.,:/-]{1,8}$/.test(value) || /^[$<{*•x]/.test(value);
}

function findPrivateKeys(text: string): Finding[] {
  const found: Finding[] = [];
  let begin = text.indexOf('-----BEGIN ');
  let footer = -1;
  while (begin >= 0) {
    const head = /^-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----/.exec(text.slice(begin, begin + 80))?.[0];
    let next = begin + 11;
    if (head !== undefined) {
      // Looked for once: a footer that is not there is not looked for again.
      if (footer < begin && footer !== text.length) footer = text.indexOf('-----END ', begin);
      if (footer < 0) footer = text.length;
      const end = footer === text.length ? keyEnd(text, begin + head.length) : lineEnd(text, footer + 9);
      found.push({ kind: 'secret', start: begin, end, confidence: 0.99, rule: 'private_key' });
      next = end;
    }
    begin = text.indexOf('-----BEGIN ', next);
  }
  return found;
}

function lineEnd(text: string, from: number): number {
  const end = text.indexOf('-----', from);
  return end < 0 || end - from > 60 ? from : end + 5;
}

/** A key that was cut off: as far as its Base64 goes. */
function keyEnd(text: string, from: number): number {
  const body = /[A-Za-z0-9+/=\s\\]*/y;
  body.lastIndex = from;
  return from + (body.exec(text)?.[0].trimEnd().length ?? 0);
}
