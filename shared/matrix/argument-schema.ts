/**
 * Bounds on the JSON Schema of an argument rule, found by walking it before anything compiles it: size, depth, references
 * that are local and end. Says where a mistake stands; does not check arguments.
 */
import { canonical } from '../json/canonical.ts';
import { compileLinear } from './linear-pattern.ts';

const MAX_TEXT_LENGTH = 65_536;
const MAX_DEPTH = 32;
/** Schemas and listed values, each reference counted as what it refers to. */
const MAX_COST = 2_000;

export type Path = readonly (string | number)[];

/** A mistake in a schema, at its place. */
export class SchemaMistake extends Error {
  override readonly name = 'SchemaMistake';
  readonly path: Path;
  constructor(path: Path, message: string) {
    super(message);
    this.path = path;
  }
}

const words = (text: string) => new Set(text.split(' '));

/** Keywords whose value is one schema, a list of them, or a map of them. `items` may be either of the first two. */
const one = words(
  'additionalItems additionalProperties contains else if items not propertyNames then unevaluatedItems unevaluatedProperties',
);
const lists = words('allOf anyOf items oneOf prefixItems');
const maps = words('dependencies dependentSchemas patternProperties properties');
const definitions = words('$defs definitions');
/** Keywords whose value holds no schema. */
const plain = words(
  '$comment $schema const default dependentRequired deprecated description enum examples exclusiveMaximum exclusiveMinimum ' +
    'maxContains maxItems maxLength maxProperties maximum minContains minItems minLength minProperties minimum multipleOf ' +
    'pattern readOnly required title type uniqueItems writeOnly',
);

const refused = new Map([
  ['$id', 'is not needed here; remove it'],
  ['$anchor', 'is not followed here; refer by #/$defs/…'],
  ['$dynamicAnchor', 'is not followed here; refer by #/$defs/…'],
  ['$dynamicRef', 'is not followed here; use $ref with #/$defs/…'],
  ['$recursiveRef', 'is not followed here; use $ref with #/$defs/…'],
  ['$vocabulary', 'is not followed here; remove it'],
  ['$async', 'is no JSON Schema; remove it'],
  ['format', 'would not be checked; use a pattern'],
]);

/**
 * Checks the bounds of a whole schema.
 * @returns what checking one value costs at most, in schemas visited
 * @throws SchemaMistake for the first mistake
 */
export function boundSchema(schema: Readonly<Record<string, unknown>>): number {
  let text: string;
  try {
    text = canonical(schema);
  } catch (cause) {
    throw new SchemaMistake([], cause instanceof Error ? cause.message : String(cause));
  }
  if (text.length > MAX_TEXT_LENGTH) throw new SchemaMistake([], `longer than ${MAX_TEXT_LENGTH} characters`);
  const walk = new Walk(schema);
  const cost = walk.schema(schema, []);
  if (cost > MAX_COST) throw new SchemaMistake([], `larger than ${MAX_COST} schemas and values, references followed`);
  return cost;
}

class Walk {
  private readonly root: unknown;
  /** Costs of references already followed; `following` while one is being followed. */
  private readonly references = new Map<string, number | 'following'>();
  private depth = 0;

  constructor(root: unknown) {
    this.root = root;
  }

  schema(schema: unknown, path: Path): number {
    if (typeof schema === 'boolean') return 1;
    if (!isObject(schema)) throw new SchemaMistake(path, 'expected a schema: an object, true or false');
    if (++this.depth > MAX_DEPTH) throw new SchemaMistake(path, `nested deeper than ${MAX_DEPTH}, references followed`);
    let cost = 1;
    for (const [keyword, value] of Object.entries(schema)) cost += this.keyword(keyword, value, [...path, keyword]);
    this.depth--;
    return cost;
  }

  private keyword(keyword: string, value: unknown, path: Path): number {
    const why = refused.get(keyword);
    if (why !== undefined) throw new SchemaMistake(path, `${keyword} ${why}`);
    if (keyword === '$ref') return this.reference(value, path);
    if (keyword === 'pattern') this.pattern(value, path);
    if (keyword === 'enum' && Array.isArray(value)) return value.length;
    if (lists.has(keyword) && Array.isArray(value)) {
      return sum(value.map((schema: unknown, index) => this.schema(schema, [...path, index])));
    }
    if (one.has(keyword)) return this.schema(value, path);
    if (maps.has(keyword)) return this.map(keyword, value, path);
    if (definitions.has(keyword)) {
      // Looked at for mistakes; they cost where they are referred to.
      this.map(keyword, value, path);
      return 0;
    }
    if (!plain.has(keyword)) throw new SchemaMistake(path, `${keyword} is no keyword that is checked here; remove it`);
    return 0;
  }

  private map(keyword: string, value: unknown, path: Path): number {
    if (!isObject(value)) throw new SchemaMistake(path, 'expected an object');
    return sum(
      Object.entries(value).map(([name, schema]) => {
        const place = [...path, name];
        if (name === '__proto__')
          throw new SchemaMistake(place, 'a rule for __proto__ would not be checked; forbid it');
        if (keyword === 'patternProperties') this.pattern(name, place);
        if (keyword === 'dependencies' && Array.isArray(schema)) return schema.length;
        return this.schema(schema, place);
      }),
    );
  }

  private pattern(value: unknown, path: Path): void {
    if (typeof value !== 'string') throw new SchemaMistake(path, 'expected a regular expression as text');
    try {
      compileLinear(value);
    } catch (error) {
      throw new SchemaMistake(path, error instanceof Error ? error.message : String(error));
    }
  }

  private reference(value: unknown, path: Path): number {
    if (typeof value !== 'string' || !(value === '#' || value.startsWith('#/'))) {
      throw new SchemaMistake(path, 'only references within the schema (#/$defs/…) are followed; nothing is fetched');
    }
    const known = this.references.get(value);
    if (known === 'following') throw new SchemaMistake(path, 'refers to itself; write the levels out');
    if (known !== undefined) return known;
    this.references.set(value, 'following');
    const place = value.split('/').slice(1).map(unescapeToken);
    const cost = this.schema(this.at(place, path), place);
    this.references.set(value, cost);
    return cost;
  }

  private at(place: readonly string[], path: Path): unknown {
    let found = this.root;
    for (const key of place) {
      const inside = typeof found === 'object' && found !== null ? new Map(Object.entries(found)) : undefined;
      if (inside?.has(key) !== true) throw new SchemaMistake(path, 'refers to nothing in this schema');
      found = inside.get(key);
    }
    return found;
  }
}

/** RFC 6901 §6: percent-encoding first, then `~1` and `~0`. */
function unescapeToken(token: string): string {
  let text = token;
  try {
    text = decodeURIComponent(token);
  } catch {
    // Not percent-encoded: the token is what it says.
  }
  return text.replaceAll('~1', '/').replaceAll('~0', '~');
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
