/** Reads HTML as blocks of text under their headings: no scripts, no styles, no markup. Builds no tree; linear, and safe on any input. */
import { type Piece, pack } from './chunk.ts';

export interface HtmlText {
  /** `<title>`, else the first heading; '' when there is neither. */
  readonly title: string;
  readonly pieces: readonly Piece[];
}

/** Elements whose content is no text. */
const SILENT = new Set(['script', 'style', 'noscript', 'template', 'svg', 'iframe', 'object', 'head']);
/** Elements that stand inside a line. */
const INLINE = new Set(
  'a abbr b bdi bdo big cite code data del dfn em font i ins kbd label mark q s samp small span strong sub sup time tt u var wbr'.split(
    ' ',
  ),
);
const ENTITIES: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  nbsp: ' ',
  ndash: '–',
  mdash: '—',
  hellip: '…',
  lsquo: '‘',
  rsquo: '’',
  ldquo: '“',
  rdquo: '”',
  copy: '©',
  reg: '®',
  euro: '€',
  middot: '·',
  bull: '•',
};
const MOST_HEADING = 300;

export function readHtml(html: string): HtmlText {
  const blocks: Piece[] = [];
  const headings: string[] = [];
  let title = '';
  let open = '';
  let level = 0;
  const close = () => {
    const text = decodeEntities(open)
      .replace(/[ \t\r\n\f]+/gu, ' ')
      .trim();
    open = '';
    if (text === '') return;
    if (level === 0) {
      blocks.push({ heading: headings.filter(Boolean).join(' › ').slice(0, MOST_HEADING), text });
      return;
    }
    headings.length = Math.min(headings.length, level - 1);
    while (headings.length < level - 1) headings.push('');
    headings.push(text);
    if (title === '') title = text;
  };
  let at = 0;
  while (at < html.length) {
    const tag = html.indexOf('<', at);
    if (tag < 0) {
      open += html.slice(at);
      break;
    }
    open += html.slice(at, tag);
    if (html.startsWith('<!--', tag)) {
      const end = html.indexOf('-->', tag + 4);
      at = end < 0 ? html.length : end + 3;
      continue;
    }
    const name = /^<\/?([a-zA-Z][a-zA-Z0-9]{0,20})/.exec(html.slice(tag, tag + 24))?.[1]?.toLowerCase();
    if (name === undefined && !/^<[/!?]/.test(html.slice(tag, tag + 2))) {
      // A bare "less than".
      open += '<';
      at = tag + 1;
      continue;
    }
    at = endOfTag(html, tag);
    if (name === undefined || INLINE.has(name)) continue;
    const isEnd = html[tag + 1] === '/';
    if (SILENT.has(name) && !isEnd) {
      const end = endOfElement(html, at, name);
      if (name === 'head') title = titleIn(html.slice(at, end.content)) || title;
      at = end.after;
      continue;
    }
    close();
    level = isEnd ? 0 : Number(/^h([1-6])$/.exec(name)?.[1] ?? 0);
  }
  close();
  return { title, pieces: pack(blocks) };
}

/** Behind the `>` that ends a tag; quoted values may hold one. */
function endOfTag(html: string, from: number): number {
  let quote = '';
  for (let at = from + 1; at < html.length; at++) {
    const c = html[at]!;
    if (quote !== '') quote = c === quote ? '' : quote;
    else if (c === '>') return at + 1;
    else if ((c === '"' || c === "'") && html[at - 1] === '=') quote = c;
  }
  return html.length;
}

function endOfElement(html: string, from: number, name: string): { content: number; after: number } {
  const end = new RegExp(`</${name}(?![a-z0-9])`, 'giu');
  end.lastIndex = from;
  const found = end.exec(html);
  if (!found) return { content: html.length, after: html.length };
  return { content: found.index, after: endOfTag(html, found.index) };
}

function titleIn(head: string): string {
  const start = head.search(/<title[\s>]/iu);
  if (start < 0) return '';
  const from = endOfTag(head, start);
  const { content } = endOfElement(head, from, 'title');
  return decodeEntities(head.slice(from, content)).replace(/\s+/gu, ' ').trim();
}

function decodeEntities(text: string): string {
  return text.replace(/&(?:#(\d{1,7})|#[xX]([0-9a-fA-F]{1,6})|([a-zA-Z]{2,8}));/gu, (whole, decimal, hex, name) => {
    if (name !== undefined) return ENTITIES[name] ?? whole;
    const code = decimal === undefined ? Number.parseInt(hex, 16) : Number(decimal);
    const isCharacter = code > 0 && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff);
    return isCharacter ? String.fromCodePoint(code) : '\ufffd';
  });
}
