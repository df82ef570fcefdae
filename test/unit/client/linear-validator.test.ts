import { expect, it } from 'vitest';
import { linearValidator } from '../../../client/linear-validator.ts';

const schema = (pattern: string) => ({ type: 'object' as const, properties: { text: { type: 'string', pattern } } });

it('[C1] checks what servers describe', () => {
  const validate = linearValidator().getValidator(schema('^a+$'));
  expect(validate({ text: 'aaa' }).valid).toBe(true);
  expect(validate({ text: 'b' })).toMatchObject({ valid: false, errorMessage: expect.stringContaining('pattern') });
});

it.each([28, 50_000])('[C1] D04: a pattern that takes for ever does not, with %i letters', (letters) => {
  const validate = linearValidator().getValidator(schema('^(a+)+$'));
  const before = process.threadCpuUsage();
  validate({ text: `${'a'.repeat(letters)}!` });
  const { user, system } = process.threadCpuUsage(before);
  // Ajv's own takes 7 s for 28 letters.
  expect((user + system) / 1_000).toBeLessThan(1_000);
});

it('[C1] D04: does not compile what is too large, or cannot be run in such time', () => {
  const validator = linearValidator();
  const large = { type: 'object' as const, anyOf: Array.from({ length: 40_000 }, () => ({})) };
  expect(() => validator.getValidator(large)).toThrow(/too large|characters/);
  expect(() => validator.getValidator(schema('(?=(a+))a*b\\1'))).toThrow();
});
