/**
 * Checks arguments by schemas that servers wrote, in time that they cannot stretch: patterns run by RE2, large schemas are not
 * compiled. What it cannot check it lets pass, for the server checks all the same.
 */
import { AjvJsonSchemaValidator } from '@modelcontextprotocol/sdk/validation/ajv';
import type {
  JsonSchemaType,
  JsonSchemaValidator,
  jsonSchemaValidator,
} from '@modelcontextprotocol/sdk/validation/types.js';
import { Ajv } from 'ajv';
import { linearPatterns, PatternBudgetError } from '../shared/matrix/linear-pattern.ts';

const MAX_SCHEMA_CHARACTERS = 65_536;

export function linearValidator(): jsonSchemaValidator {
  const patterns = linearPatterns();
  const ajv = new Ajv({
    strict: false,
    validateFormats: false,
    validateSchema: false,
    logger: false,
    code: { regExp: patterns.engine },
  });
  const whole = new AjvJsonSchemaValidator(ajv);
  return {
    /** @throws RangeError for a schema that is too large, Error for one that cannot be compiled */
    getValidator<T>(schema: JsonSchemaType): JsonSchemaValidator<T> {
      if (JSON.stringify(schema).length > MAX_SCHEMA_CHARACTERS)
        throw new RangeError(`a schema of more than ${MAX_SCHEMA_CHARACTERS} characters`);
      const validate = whole.getValidator<T>(schema);
      return (data) => {
        patterns.refill();
        try {
          return validate(data);
        } catch (error) {
          if (!(error instanceof PatternBudgetError)) throw error;
          return { valid: true, data: data as T, errorMessage: undefined };
        }
      };
    },
  };
}
