import { expect, it } from 'vitest';
import {
  type Item,
  itemsOf,
  LISTS,
  readItem,
  readPage,
  renamed,
  sameItems,
} from '../../../../router/catalog/definitions.ts';
import { encodeOctets } from '../../../../shared/json/octets.ts';

function page(text: string): { items: Item[]; bad: number; cursor: string | undefined } {
  const page = readPage(encodeOctets(text), LISTS.tools);
  const read = itemsOf(page).map((octets) => readItem(octets, LISTS.tools.key));
  return {
    items: read.filter((item) => item !== undefined),
    bad: read.filter((item) => !item).length,
    cursor: page.cursor,
  };
}

it('[P5] keeps every octet of a definition, and replaces the name alone', () => {
  const definition =
    '{ "x-unknown": 9007199254740993, "name":"écho" , "description":"\\ud83d", "inputSchema":{"name":"inner"}}';
  const { items } = page(`{"tools":[${definition}],"_meta":{}}`);
  expect(items[0]?.octets).toBe(encodeOctets(definition));
  expect(items[0]?.own).toBe('écho');
  expect(renamed(items[0]!, 'up__echo')).toBe(encodeOctets(definition.replace('"écho"', '"up__echo"')));
});

it('[P4] gives the cursor as it came, and counts what has no usable name', () => {
  const { items, cursor, bad } = page(
    '{"tools":[{"name":"a"},{"title":"no name"},7,{"name":8},{"name":"b","name":"c"}],"nextCursor":"\\u0041"}',
  );
  expect(items.map(({ own }) => own)).toEqual(['a']);
  expect(cursor).toBe('"\\u0041"');
  expect(bad).toBe(4);
});

it('[P4] says so when the answer is no list', () => {
  expect(() => page('{"resources":[]}')).toThrow(/without a list of tools/);
  expect(() => page('{"tools":{}}')).toThrow(/without a list of tools/);
});

it('knows the hints that decide about trying again', () => {
  const { items } = page(
    '{"tools":[{"name":"a","annotations":{"readOnlyHint":true}},{"name":"b","annotations":{"idempotentHint":true}},{"name":"c"}]}',
  );
  expect(items.map(({ readOnly, idempotent }) => [readOnly, idempotent])).toEqual([
    [true, false],
    [false, true],
    [false, false],
  ]);
});

it('[S4] gives the same digest to the same definition in another order, and another to a changed one', () => {
  const digest = (text: string) => page(`{"tools":[${text}]}`).items[0]?.digest;
  expect(digest('{"name":"a","description":"x"}')).toBe(digest('{ "description":"x", "name":"a"}'));
  expect(digest('{"name":"a","description":"x"}')).not.toBe(digest('{"name":"a","description":"y"}'));
  expect(digest('{"name":"a","description":"\\ud800"}')).toMatch(/^[0-9a-f]{64}$/);
});

it('[P9] tells lists apart that differ in order only', () => {
  const list = (text: string) => page(`{"tools":[${text}]}`).items;
  expect(sameItems(list('{"name":"a"},{"name":"b"}'), list('{"name":"a"},{"name":"b"}'))).toBe(true);
  expect(sameItems(list('{"name":"a"},{"name":"b"}'), list('{"name":"b"},{"name":"a"}'))).toBe(false);
});

it('[S3] D04: leaves out a definition that could be read in two ways, or is more than one can be', () => {
  const schema = (text: string) => `{"name":"b","inputSchema":${text}}`;
  const nested = (depth: number) => `${'{"not":'.repeat(depth)}{}${'}'.repeat(depth)}`;
  const many = (count: number) => `{"anyOf":[${Array(count).fill('{}').join()}]}`;
  const { items, bad } = page(
    `{"tools":[${[
      schema(nested(50)),
      schema(many(10_000)),
      schema(nested(100)),
      schema(many(30_000)),
      schema(`{"description":"${'x'.repeat(300_000)}"}`),
      schema('{"type":"object","type":"string"}'),
    ].join()}]}`,
  );
  expect(items).toHaveLength(2);
  expect(bad).toBe(4);
});
