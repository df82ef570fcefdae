/**
 * A configuration text as values that remember where they stand. Comments and trailing commas are allowed; broken syntax,
 * duplicate keys and endless nesting are mistakes. Knows nothing of what the keys mean.
 */
import { createScanner, type Node, type ParseError, parseTree, printParseErrorCode } from 'jsonc-parser';
import { ConfigError, type ConfigPath, type Mistake, type Place } from './mistake.ts';

export interface Document {
  /** Objects have exactly the keys that were written, `__proto__` among them. */
  readonly value: unknown;
  /** Where a value stands, or the nearest one around it that was written. */
  locate(path: ConfigPath): Place;
  /** Where a key of an object stands. */
  locateKey(path: ConfigPath): Place;
}

const MAX_DEPTH = 64;
/** The scanner's numbers for `{`, `[`, `}`, `]` and the end (its `SyntaxKind`). */
const OPENING: readonly number[] = [1, 3];
const CLOSING: readonly number[] = [2, 4];
const END = 17;

const SYNTAX_TEXTS = new Map([
  ['InvalidSymbol', 'expected a value: text in double quotes, a number, true, false, null, an object or a list'],
  ['InvalidNumberFormat', 'expected a number'],
  ['PropertyNameExpected', 'expected a key in double quotes'],
  ['ValueExpected', 'expected a value'],
  ['ColonExpected', 'expected a colon after the key'],
  ['CommaExpected', 'expected a comma'],
  ['CloseBraceExpected', 'expected a closing brace'],
  ['CloseBracketExpected', 'expected a closing bracket'],
  ['EndOfFileExpected', 'expected the end of the file'],
  ['UnexpectedEndOfComment', 'expected the end of the comment'],
  ['UnexpectedEndOfString', 'expected the closing quote'],
  ['UnexpectedEndOfNumber', 'expected a digit'],
  ['InvalidUnicode', 'expected four hexadecimal digits'],
  ['InvalidEscapeCharacter', 'expected an escape that JSON knows; a backslash is written twice'],
  ['InvalidCharacter', 'expected no control character in a text; write it as an escape'],
]);

/**
 * @throws ConfigError when the syntax is broken or a key stands twice: what such a text means is not to be guessed
 */
export function parseDocument(text: string, file: string): Document {
  const source = text.startsWith('\ufeff') ? text.slice(1) : text;
  const placeAt = placesOf(source, file);
  const mistakeAt = (offset: number, path: ConfigPath, sentence: string, remedy?: string): Mistake => ({
    ...placeAt(offset),
    path,
    text: sentence,
    remedy,
  });

  const tooDeep = findTooDeep(source);
  if (tooDeep !== undefined) {
    throw new ConfigError([mistakeAt(tooDeep, [], `expected at most ${MAX_DEPTH} levels of nesting, got more.`)]);
  }
  const errors: ParseError[] = [];
  const root = parseTree(source, errors, { allowTrailingComma: true, disallowComments: false });
  if (root === undefined) throw new ConfigError([mistakeAt(0, [], 'expected an object, got nothing.')]);
  if (errors.length > 0) {
    const end = root.offset + root.length;
    // One slip makes the parser complain several times at one place; the first says it best.
    const firsts = new Map(errors.toReversed().map((error) => [error.offset, error]));
    const mistakes = [...firsts.values()].map(({ error, offset }) => {
      const code = printParseErrorCode(error);
      const isBehind = code === 'InvalidSymbol' && offset >= end && source[end - 1] === '}';
      const text = SYNTAX_TEXTS.get(isBehind ? 'EndOfFileExpected' : code) ?? 'expected JSON';
      return mistakeAt(offset, [], `${text}.`);
    });
    throw new ConfigError(mistakes);
  }

  const duplicates: Mistake[] = [];
  const value = toValue(root, [], (key, first, path) => {
    const line = placeAt(first.offset).line;
    duplicates.push(
      mistakeAt(key.offset, path, `expected each key once, got it again after line ${line}.`, 'Remove one of them.'),
    );
  });
  if (duplicates.length > 0) throw new ConfigError(duplicates);

  return {
    value,
    locate: (path) => placeAt(nearest(root, path).offset),
    locateKey: (path) => {
      const node = nearest(root, path);
      const isWhole = node.parent?.type === 'property' && depthOf(node) === path.length;
      return placeAt(isWhole ? node.parent.offset : node.offset);
    },
  };
}

function toValue(
  node: Node,
  path: ConfigPath,
  onDuplicate: (key: Node, first: Node, path: ConfigPath) => void,
): unknown {
  const children = node.children ?? [];
  if (node.type === 'array') return children.map((child, index) => toValue(child, [...path, index], onDuplicate));
  if (node.type !== 'object') return node.value;
  const members = new Map<string, unknown>();
  const keys = new Map<string, Node>();
  for (const { children: [key, child] = [] } of children) {
    if (key === undefined || child === undefined) continue;
    const name = String(key.value);
    const first = keys.get(name);
    if (first !== undefined) onDuplicate(key, first, [...path, name]);
    keys.set(name, key);
    members.set(name, toValue(child, [...path, name], onDuplicate));
  }
  return Object.fromEntries(members);
}

function nearest(root: Node, path: ConfigPath): Node {
  let node = root;
  for (const step of path) {
    const next =
      typeof step === 'number'
        ? node.type === 'array' && node.children?.[step]
        : node.type === 'object' &&
          node.children?.find((member) => member.children?.[0]?.value === step)?.children?.[1];
    if (!next) break;
    node = next;
  }
  return node;
}

function depthOf(node: Node): number {
  let depth = 0;
  for (let at = node.parent; at !== undefined; at = at.parent) if (at.type !== 'property') depth++;
  return depth;
}

function findTooDeep(text: string): number | undefined {
  const scanner = createScanner(text, true);
  let depth = 0;
  for (let token: number = scanner.scan(); token !== END; token = scanner.scan()) {
    if (OPENING.includes(token) && ++depth > MAX_DEPTH) return scanner.getTokenOffset();
    if (CLOSING.includes(token)) depth--;
  }
  return undefined;
}

function placesOf(text: string, file: string): (offset: number) => Place {
  const starts = [0];
  for (const end of text.matchAll(/\r\n|\n|\r/g)) starts.push(end.index + end[0].length);
  return (offset) => {
    let line = starts.findIndex((start) => start > offset);
    if (line === -1) line = starts.length;
    return { file, line, column: offset - starts[line - 1]! + 1 };
  };
}
