/**
 * Regular expressions for argument rules that take time in proportion to the text (RE2), each within a budget of steps.
 * Does not know schemas; Ajv calls it through `code.regExp`.
 */
import { RE2JS } from 're2js';

/** Instructions of one compiled pattern. */
const MAX_PROGRAM = 1_000;
const MAX_PATTERN_LENGTH = 1_000;
/** Characters × instructions of all patterns in one check: some 75 ms at worst. */
const STEPS_PER_CHECK = 3_000_000;

/** Thrown while checking when texts are too long for their patterns. A false would pass under `not`. */
export class PatternBudgetError extends Error {
  override readonly name = 'PatternBudgetError';
  constructor() {
    super('texts too long for the patterns of the rules; send shorter ones');
  }
}

interface Engine {
  (pattern: string, flags: string): { test(text: string): boolean };
  /** Only for schemas compiled to a file, which ours never are; Ajv's type asks for it. */
  code: string;
}

/** The engine for Ajv, and `refill`, to be called before each check. */
export function linearPatterns(): { engine: Engine; refill(): void } {
  let steps = STEPS_PER_CHECK;
  const compile = (pattern: string) => {
    const compiled = compileLinear(pattern);
    const program = compiled.programSize();
    return {
      test(text: string): boolean {
        steps -= (text.length + 1) * program;
        if (steps < 0) throw new PatternBudgetError();
        return compiled.test(text);
      },
      // Ajv keeps patterns by this text: without it all would be one.
      toString: () => pattern,
    };
  };
  const engine = Object.assign(compile, { code: 'linearPattern' });
  return {
    engine,
    refill: () => {
      steps = STEPS_PER_CHECK;
    },
  };
}

/**
 * Compiles an ECMAScript pattern as far as RE2 knows it: no look-around, no back-references; `\s`, `\w`, `\d` mean ASCII.
 * @throws Error with what is not possible
 */
export function compileLinear(pattern: string): RE2JS {
  if (pattern.length > MAX_PATTERN_LENGTH) throw new Error(`pattern longer than ${MAX_PATTERN_LENGTH} characters`);
  let compiled: RE2JS;
  try {
    compiled = RE2JS.compile(RE2JS.translateRegExp(pattern));
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`${why}; look-around and back-references are not possible in linear time`, { cause });
  }
  if (compiled.programSize() > MAX_PROGRAM)
    throw new Error('pattern too large: repeat less, or limit maxLength instead');
  return compiled;
}
