import { expect, it } from 'vitest';
import { callKey, whatChanged } from '../../../../servers/governance/binding.ts';
import { payment } from '../../../fixtures/governance/village.ts';

const approved = payment('{"to":"x","amount":10}').action.binding;

it.each([
  ['other spelling of a number', '{"to":"x","amount":10.0}'],
  ['other order of keys', '{"amount":10,"to":"x"}'],
  ['other spaces and escapes', '{ "to": "\\u0078", "amount": 1e1 }'],
])('[G5] takes a call with %s for the same', (_, text) => {
  expect(whatChanged(approved, payment(text).action.binding)).toEqual([]);
});

it.each([
  ['another amount', '{"to":"x","amount":1000}'],
  ['a text for a number', '{"to":"x","amount":"10"}'],
  ['an unknown key more', '{"to":"x","amount":10,"note":""}'],
  ['a key left out', '{"to":"x"}'],
  ['null for a key left out', '{"to":"x","amount":10,"note":null}'],
  ['a look-alike letter', '{"to":"х","amount":10}'],
  ['another case', '{"to":"X","amount":10}'],
  ['a space more', '{"to":"x ","amount":10}'],
])('[G5] takes a call with %s for another', (_, text) => {
  const other = payment(text).action.binding;
  expect(whatChanged(approved, other)).toEqual(['the arguments']);
  expect(callKey(other)).not.toBe(callKey(approved));
});

it.each([
  ['caller', 'oracle', 'the requester', false],
  ['serverId', 'ledger2', 'the server', false],
  ['tool', 'Pay', 'the tool', false],
  ['definitionDigest', 'definition-2', "the tool's definition", true],
  ['matrixVersion', 'matrix-2', 'the permission matrix', true],
] as const)('[G5] tells that %s is another', (field, value, words, isSameCall) => {
  const other = { ...approved, [field]: value };
  expect(whatChanged(approved, other)).toEqual([words]);
  expect(callKey(other) === callKey(approved)).toBe(isSameCall);
});

it('[G5] does not confuse a name that contains what separates names', () => {
  const a = { ...approved, serverId: 'a","b', tool: 'c' };
  const b = { ...approved, serverId: 'a', tool: 'b","c' };
  expect(callKey(a)).not.toBe(callKey(b));
});
