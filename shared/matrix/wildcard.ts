/**
 * Patterns in which `*` stands for any run of characters and everything else for itself. Takes the leftmost place of each
 * piece and never goes back, so there is nothing to blow up (D04).
 */

export interface Wildcard {
  /** Without `*`: matches one text only. */
  readonly exact: boolean;
  /** Characters that are not `*`: the more, the more specific. */
  readonly literals: number;
  matches(text: string): boolean;
}

export function compileWildcard(pattern: string): Wildcard {
  const pieces = pattern.split('*');
  const literals = pieces.reduce((sum, piece) => sum + piece.length, 0);
  const first = pieces[0]!;
  if (pieces.length === 1) return { exact: true, literals, matches: (text) => text === pattern };
  const last = pieces.at(-1)!;
  const between = pieces.slice(1, -1).filter((piece) => piece !== '');
  return {
    exact: false,
    literals,
    matches(text) {
      if (text.length < literals || !text.startsWith(first) || !text.endsWith(last)) return false;
      const end = text.length - last.length;
      let at = first.length;
      for (const piece of between) {
        const found = text.indexOf(piece, at);
        if (found === -1 || found + piece.length > end) return false;
        at = found + piece.length;
      }
      return at <= end;
    },
  };
}
