/** Owns numbers for texts, given in the order of their coming and never taken back. */
export class Names {
  readonly texts: string[];
  readonly #numbers = new Map<string, number>();

  constructor(texts: readonly string[] = []) {
    this.texts = [...texts];
    for (const [number, text] of texts.entries()) this.#numbers.set(text, number);
  }

  intern(text: string): number {
    const known = this.#numbers.get(text);
    if (known !== undefined) return known;
    this.#numbers.set(text, this.texts.length);
    return this.texts.push(text) - 1;
  }

  /** The number, or -1. */
  find(text: string): number {
    return this.#numbers.get(text) ?? -1;
  }

  at(number: number): string {
    return this.texts[number]!;
  }
}
