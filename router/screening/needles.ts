/** Finds which of many short texts stand in a long one, in a single pass over it. Knows nothing of what they are for. */

interface Needle {
  readonly text: string;
  /** Of its third character; -1 when it has two. */
  readonly third: number;
  readonly groups: readonly number[];
}

const ASCII = 128;

export class Needles {
  /** By character: the groups of needles of that one character. */
  private readonly ones: (readonly number[] | undefined)[] = new Array(ASCII).fill(undefined);
  /** By the first two characters: place in `buckets`, 0 when no needle begins so. */
  private readonly pairs = new Uint16Array(ASCII * ASCII);
  private readonly buckets: Needle[][] = [[]];
  /** By group: the search that found it last. */
  private readonly foundIn: Float64Array;
  private search = 0;
  private any = false;

  /** @param groups the needles of each group, of ASCII characters; one may be in several groups */
  constructor(groups: readonly (readonly string[])[]) {
    this.foundIn = new Float64Array(groups.length);
    const groupsOf = new Map<string, number[]>();
    for (const [group, texts] of groups.entries()) {
      for (const text of texts) groupsOf.set(text, [...(groupsOf.get(text) ?? []), group]);
    }
    for (const [text, its] of groupsOf) this.add(text, its);
  }

  /** Searches a text; `has` tells of the latest one. @returns whether any needle stands in it */
  find(text: string): boolean {
    this.search++;
    const { ones, pairs } = this;
    this.any = false;
    let before = ASCII;
    for (let at = 0; at < text.length; at++) {
      const code = text.charCodeAt(at);
      if (code >= ASCII) {
        before = ASCII;
        continue;
      }
      const groups = ones[code];
      if (groups !== undefined) this.note(groups);
      if (before < ASCII) {
        const bucket = pairs[before * ASCII + code]!;
        if (bucket !== 0) this.compare(bucket, text, at - 1);
      }
      before = code;
    }
    return this.any;
  }

  /** Whether a needle of this group stood in the text. */
  has(group: number): boolean {
    return this.foundIn[group] === this.search;
  }

  private compare(bucket: number, text: string, at: number): void {
    const third = text.charCodeAt(at + 2);
    for (const needle of this.buckets[bucket]!) {
      if (needle.third >= 0 && (needle.third !== third || !text.startsWith(needle.text, at))) continue;
      this.note(needle.groups);
    }
  }

  private note(groups: readonly number[]): void {
    this.any = true;
    for (const group of groups) this.foundIn[group] = this.search;
  }

  private add(text: string, groups: readonly number[]): void {
    if (text.length === 1) {
      this.ones[text.charCodeAt(0)] = groups;
      return;
    }
    const pair = text.charCodeAt(0) * ASCII + text.charCodeAt(1);
    if (this.pairs[pair] === 0) this.pairs[pair] = this.buckets.push([]) - 1;
    this.buckets[this.pairs[pair]!]!.push({ text, third: text.length > 2 ? text.charCodeAt(2) : -1, groups });
  }
}
