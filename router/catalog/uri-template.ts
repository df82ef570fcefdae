/**
 * Tells whether a URI can come from a URI template (RFC 6570), in linear time: literal parts must stand in order, with
 * something between them where an expression is. No regular expression is made of what a server sends (D04).
 */

const MAX_EXPRESSIONS = 32;

/** The literal parts around the expressions; undefined for a template that is malformed or has too many expressions. */
function literalParts(template: string): string[] | undefined {
  const parts: string[] = [];
  let at = 0;
  for (;;) {
    const open = template.indexOf('{', at);
    if (open < 0) break;
    const close = template.indexOf('}', open);
    if (close < 0 || parts.length >= MAX_EXPRESSIONS) return undefined;
    parts.push(template.slice(at, open));
    at = close + 1;
  }
  const last = template.slice(at);
  if (last.includes('}')) return undefined;
  parts.push(last);
  return parts;
}

export function matchesTemplate(template: string, uri: string): boolean {
  const parts = literalParts(template);
  if (parts === undefined) return false;
  const first = parts[0]!;
  if (parts.length === 1) return uri === first;
  const last = parts[parts.length - 1]!;
  if (!uri.startsWith(first) || !uri.endsWith(last) || uri.length < first.length + last.length) return false;
  let at = first.length;
  const end = uri.length - last.length;
  for (const part of parts.slice(1, -1)) {
    const found = uri.indexOf(part, at);
    if (found < 0 || found + part.length > end) return false;
    at = found + part.length;
  }
  return true;
}
