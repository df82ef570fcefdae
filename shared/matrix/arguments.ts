/**
 * Checks a call's arguments against a row's JSON Schema, in time bounded before it starts. Fetches nothing, changes
 * nothing in the arguments, and never puts their values into words.
 */
import { Ajv, type ErrorObject, type Options, type ValidateFunction } from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { CanonicalJsonError, canonical } from '../json/canonical.ts';
import { boundSchema, SchemaMistake } from './argument-schema.ts';
import { linearPatterns, PatternBudgetError } from './linear-pattern.ts';

/** Values in the arguments × cost of the schema: some 100 ms at worst. */
const MAX_STEPS = 10_000_000;
const MAX_REASONS = 5;
const MAX_REASON_LENGTH = 300;

/** What is wrong with the arguments; empty when the rules are met. Absent arguments count as `{}`. */
export type ArgumentCheck = (args: unknown) => readonly string[];

export interface ArgumentRules {
  /** @throws SchemaMistake with the place in the schema */
  compile(schema: Readonly<Record<string, unknown>>): ArgumentCheck;
}

type Dialect = '2020-12' | 'draft-07';

const dialects = new Map<unknown, Dialect>([
  ['https://json-schema.org/draft/2020-12/schema', '2020-12'],
  ['http://json-schema.org/draft-07/schema', 'draft-07'],
  ['http://json-schema.org/draft-07/schema#', 'draft-07'],
  [undefined, '2020-12'],
]);

export function createArgumentRules(): ArgumentRules {
  const patterns = linearPatterns();
  const options: Options = {
    // Own properties only, so that `constructor` is not there because every object has one.
    ownProperties: true,
    strictTypes: false,
    strictTuples: false,
    logger: false,
    code: { regExp: patterns.engine },
  };
  const ajvs = {
    '2020-12': withLinearUniqueItems(new Ajv2020(options)),
    'draft-07': withLinearUniqueItems(new Ajv(options)),
  };

  return {
    compile(schema) {
      const cost = boundSchema(schema);
      const ajv = ajvs[dialectOf(schema)];
      patterns.refill();
      const validate = compileWith(ajv, schema);
      return (args = {}) => {
        if (typeof args !== 'object' || args === null || Array.isArray(args))
          return ['the arguments must be an object'];
        if (countValues(args, MAX_STEPS / cost) * cost > MAX_STEPS)
          return ['the arguments hold too many values to check'];
        patterns.refill();
        try {
          return validate(args) ? [] : describe(validate.errors ?? []);
        } catch (error) {
          if (error instanceof PatternBudgetError || error instanceof CanonicalJsonError) {
            return [`the arguments cannot be checked: ${error.message}`];
          }
          throw error;
        }
      };
    },
  };
}

function dialectOf(schema: Readonly<Record<string, unknown>>): Dialect {
  const dialect = dialects.get(schema.$schema);
  if (dialect !== undefined) return dialect;
  const known = [...dialects.keys()].filter((key) => key !== undefined);
  throw new SchemaMistake(['$schema'], `expected one of ${known.join(', ')}, or none, which means the first`);
}

function compileWith(ajv: Ajv | Ajv2020, schema: Readonly<Record<string, unknown>>): ValidateFunction {
  if (ajv.validateSchema(schema) !== true) {
    const [first] = ajv.errors ?? [];
    const place = (first?.instancePath ?? '').split('/').slice(1);
    const path = place.map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'));
    throw new SchemaMistake(path, first?.message ?? 'is no JSON Schema');
  }
  try {
    return ajv.compile(schema);
  } catch (cause) {
    throw new SchemaMistake([], cause instanceof Error ? cause.message : String(cause));
  }
}

/** Ajv's own compares each with each when items may be objects. */
function withLinearUniqueItems<Instance extends Ajv | Ajv2020>(ajv: Instance): Instance {
  ajv.removeKeyword('uniqueItems');
  ajv.addKeyword({
    keyword: 'uniqueItems',
    type: 'array',
    schemaType: 'boolean',
    error: { message: 'must NOT have duplicate items' },
    validate: (asked: boolean, items: readonly unknown[]) =>
      !asked || new Set(items.map((item) => canonical(item))).size === items.length,
  });
  return ajv;
}

/** Values in `value`, itself included; stops counting above `limit`. */
function countValues(value: unknown, limit: number): number {
  const waiting = [value];
  let count = 0;
  while (waiting.length > 0) {
    const next = waiting.pop();
    count += 1;
    if (typeof next !== 'object' || next === null) continue;
    const inside: unknown[] = Array.isArray(next) ? next : Object.values(next);
    if (count + waiting.length + inside.length > limit) return Number.POSITIVE_INFINITY;
    for (const inner of inside) waiting.push(inner);
  }
  return count;
}

function describe(errors: readonly ErrorObject[]): string[] {
  return errors.slice(0, MAX_REASONS).map(({ instancePath, keyword, message = 'are not allowed', params }) => {
    const allowed =
      keyword === 'enum' || keyword === 'const'
        ? `: ${JSON.stringify(params.allowedValues ?? params.allowedValue)}`
        : '';
    const text = `arguments${instancePath} ${message}${allowed}`;
    return text.length > MAX_REASON_LENGTH ? `${text.slice(0, MAX_REASON_LENGTH)}…` : text;
  });
}
