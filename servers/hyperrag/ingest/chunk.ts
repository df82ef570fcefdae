/**
 * Cuts a text into passages along its structure: headings, paragraphs, lists, code; a paragraph that is too long at its
 * sentences. Pure; nothing of the text is lost but blank lines.
 */

export interface Piece {
  /** The headings above it, from the outermost, joined by ` › `; '' where there are none. */
  readonly heading: string;
  readonly text: string;
  /** Where the source has pages, from 1. */
  readonly page?: number;
}

/** Characters at which a passage is full, and that none exceeds. */
const FULL = 1_200;
const MOST = 2_400;
const MOST_HEADING = 300;

/** Plain text: paragraphs are between blank lines. A text that fits into one passage stays one. */
export function chunkText(text: string): Piece[] {
  return pack(paragraphs(text).map((block) => ({ heading: '', text: block })));
}

/** Markdown (CommonMark's ATX and setext headings, fences). */
export function chunkMarkdown(text: string): Piece[] {
  const blocks: Piece[] = [];
  const path: string[] = [];
  let open: string[] = [];
  let fence: string | undefined;
  const heading = () => path.filter(Boolean).join(' › ').slice(0, MOST_HEADING);
  const close = () => {
    const whole = open.join('\n').trim();
    if (whole !== '') blocks.push({ heading: heading(), text: whole });
    open = [];
  };
  const enter = (level: number, title: string) => {
    close();
    path.length = Math.min(path.length, level - 1);
    while (path.length < level - 1) path.push('');
    path.push(title.trim());
  };
  const lines = text.split(/\r?\n/u);
  for (const line of lines) {
    const mark = /^ {0,3}(`{3,}|~{3,})/u.exec(line)?.[1];
    if (fence !== undefined) {
      open.push(line);
      if (mark?.startsWith(fence) && line.trim() === mark) {
        fence = undefined;
        close();
      }
      continue;
    }
    if (mark !== undefined) {
      close();
      fence = mark;
      open.push(line);
      continue;
    }
    const atx = /^ {0,3}(#{1,6})[ \t]+(\S.*)$/u.exec(line);
    if (atx) {
      enter(atx[1]!.length, atx[2]!.trimEnd().replace(/(?<=[ \t])#{1,20}$/u, ''));
      continue;
    }
    const setext = /^ {0,3}(=|-)\1*[ \t]*$/u.exec(line);
    if (setext && open.length === 1 && !/^\s*[-*+>|]/u.test(open[0]!)) {
      const title = open[0]!;
      open = [];
      enter(setext[1] === '=' ? 1 : 2, title);
      continue;
    }
    if (line.trim() === '') close();
    else open.push(line);
  }
  close();
  return pack(blocks);
}

/** What stands between blank lines. */
export function paragraphs(text: string): string[] {
  return text
    .split(/\r?\n[ \t]*(?:\r?\n[ \t]*)+/u)
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

/** Puts blocks under the same heading together until a passage is full. */
export function pack(blocks: readonly Piece[]): Piece[] {
  const pieces: Piece[] = [];
  let open: { heading: string; parts: string[]; length: number } | undefined;
  const close = () => {
    if (open) pieces.push({ heading: open.heading, text: open.parts.join('\n\n') });
    open = undefined;
  };
  for (const block of blocks) {
    for (const text of cut(block.text)) {
      if (open && (open.heading !== block.heading || open.length + text.length > FULL)) close();
      open ??= { heading: block.heading, parts: [], length: 0 };
      open.parts.push(text);
      open.length += text.length + 2;
    }
  }
  close();
  return pieces;
}

/** A block in parts of at most MOST characters, at sentences or lines where it has them. */
function cut(text: string): string[] {
  if (text.length <= MOST) return [text];
  const parts: string[] = [];
  let rest = text;
  while (rest.length > MOST) {
    const at = lastBreak(rest.slice(0, FULL));
    parts.push(rest.slice(0, at).trim());
    rest = rest.slice(at);
  }
  parts.push(rest.trim());
  return parts.filter((part) => part !== '');
}

/** After the last end of a sentence or line, else the last space, else where it is full, but inside no pair of surrogates. */
function lastBreak(text: string): number {
  for (const pattern of [/[.!?。][)"']?\s|\n/gu, /\s/gu]) {
    let found = 0;
    for (const match of text.matchAll(pattern)) found = match.index + match[0].length;
    if (found > FULL / 4) return found;
  }
  return /[\uD800-\uDBFF]$/u.test(text) ? text.length - 1 : text.length;
}
