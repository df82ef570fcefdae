/** Finds the places of a JSON schema that leave the size of a value open. */

interface SchemaNode {
  readonly [key: string]: unknown;
}

const ANY_SAFE_INTEGER = Number.MAX_SAFE_INTEGER;

/** One line for each string, array, number or object without a bound, with its place. */
export function unbounded(schema: unknown, place = '$'): string[] {
  if (!isNode(schema)) return [`${place}: anything is allowed`];
  const found: string[] = [];
  for (const keyword of ['anyOf', 'oneOf', 'allOf'] as const) {
    const branches = schema[keyword];
    if (Array.isArray(branches)) {
      for (const [i, branch] of branches.entries()) found.push(...unbounded(branch, `${place}.${keyword}[${i}]`));
    }
  }
  if ('enum' in schema || 'const' in schema) return found;
  const types = Array.isArray(schema.type) ? schema.type : [schema.type];
  for (const type of types) found.push(...unboundedAs(type, schema, place));
  if (schema.type === undefined && !('anyOf' in schema || 'oneOf' in schema || 'allOf' in schema || '$ref' in schema)) {
    found.push(`${place}: no type`);
  }
  return found;
}

function unboundedAs(type: unknown, schema: SchemaNode, place: string): string[] {
  switch (type) {
    case 'string':
      return typeof schema.maxLength === 'number' ? [] : [`${place}: string without maxLength`];
    case 'number':
    case 'integer':
      return [
        ...(isLimit(schema.minimum ?? schema.exclusiveMinimum) ? [] : [`${place}: number without minimum`]),
        ...(isLimit(schema.maximum ?? schema.exclusiveMaximum) ? [] : [`${place}: number without maximum`]),
      ];
    case 'array':
      return [
        ...(typeof schema.maxItems === 'number' ? [] : [`${place}: array without maxItems`]),
        ...unbounded(schema.items, `${place}[]`),
      ];
    case 'object': {
      const { properties, additionalProperties } = schema;
      const found = isNode(additionalProperties)
        ? unbounded(additionalProperties, `${place}.*`)
        : additionalProperties === false
          ? []
          : [`${place}: object that takes unknown keys`];
      for (const [key, value] of Object.entries(isNode(properties) ? properties : {})) {
        found.push(...unbounded(value, `${place}.${key}`));
      }
      return found;
    }
    default:
      return [];
  }
}

/** What zod writes for "any integer" is no bound. */
function isLimit(value: unknown): boolean {
  return typeof value === 'number' && Math.abs(value) < ANY_SAFE_INTEGER;
}

function isNode(value: unknown): value is SchemaNode {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
