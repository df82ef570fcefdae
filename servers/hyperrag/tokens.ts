/**
 * Counts tokens as the newer models of OpenAI do (o200k_base). The tokeniser is loaded at the first count. It takes time by the
 * square of a run without a break, so that long runs are counted in parts, and the event loop gets its turn between parts.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { TokenCounter } from './contexts.ts';

/** A word with the space before it; what is longer is counted in parts of so many characters. */
const WORDS = /\s{1,256}\S{0,256}|\S{1,256}/gu;
const LONG_RUN = 256;
/** Words that are counted together. */
const TOGETHER = 2_048;
const SLICE_MS = 8;
/** Spellings such as <|endoftext|> in a text are nothing but text. */
const NOTHING_SPECIAL = { disallowedSpecial: new Set<string>() };

export const O200K: TokenCounter = {
  method: 'o200k_base',
  async count(text) {
    const { countTokens } = await import('gpt-tokenizer/encoding/o200k_base');
    let tokens = 0;
    let began = performance.now();
    for (const part of partsOf(text)) {
      tokens += countTokens(part, NOTHING_SPECIAL);
      if (performance.now() - began < SLICE_MS) continue;
      await nextTurn();
      began = performance.now();
    }
    return tokens;
  },
};

function* partsOf(text: string): Generator<string> {
  let open = '';
  for (const [word] of text.matchAll(WORDS)) {
    if (open !== '' && (word.length >= LONG_RUN || open.length + word.length > TOGETHER)) {
      yield open;
      open = '';
    }
    if (word.length >= LONG_RUN) yield word;
    else open += word;
  }
  if (open !== '') yield open;
}
