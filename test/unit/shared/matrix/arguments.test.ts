import http from 'node:http';
import { describe, expect, it } from 'vitest';
import { SchemaMistake } from '../../../../shared/matrix/argument-schema.ts';
import { createArgumentRules } from '../../../../shared/matrix/arguments.ts';

type Schema = Readonly<Record<string, unknown>>;

const rules = createArgumentRules();
const draft7 = 'http://json-schema.org/draft-07/schema#';

function mistake(schema: Schema): { path: string; text: string } {
  try {
    rules.compile(schema);
  } catch (error) {
    if (error instanceof SchemaMistake) return { path: error.path.join('/'), text: error.message };
    throw error;
  }
  throw new Error('expected a mistake, the schema compiled');
}

function cpuMs(work: () => void): number {
  const start = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1_000;
}

const json = (text: string) => JSON.parse(text) as unknown;

describe('what the rules say', () => {
  it.each<[schema: Schema, args: unknown, reasons: string[]]>([
    [{ properties: { amount: { type: 'number', maximum: 100 } } }, { amount: 100 }, []],
    [
      { properties: { amount: { type: 'number', maximum: 100 } } },
      { amount: 101 },
      ['arguments/amount must be <= 100'],
    ],
    [{ properties: { amount: { type: 'number' } } }, { amount: '1' }, ['arguments/amount must be number']],
    [{ required: ['to'] }, undefined, ["arguments must have required property 'to'"]],
    [{ required: ['to'] }, [], ['the arguments must be an object']],
    [{ required: ['to'] }, null, ['the arguments must be an object']],
    [{ required: ['constructor'] }, {}, ["arguments must have required property 'constructor'"]],
    [{ required: ['toString'] }, { toString: 1 }, []],
    [{ properties: { hasOwnProperty: { const: 1 } } }, { hasOwnProperty: 1 }, []],
    [{ properties: { valueOf: { const: 1 } } }, {}, []],
    [
      { properties: { a: true }, additionalProperties: false },
      json('{"__proto__": {}}'),
      ['arguments must NOT have additional properties'],
    ],
    [
      { properties: { mode: { enum: ['r', 'w'] } } },
      { mode: 'x' },
      ['arguments/mode must be equal to one of the allowed values: ["r","w"]'],
    ],
    [
      { properties: { a: { uniqueItems: true } } },
      {
        a: [
          { x: 1, y: 2 },
          { y: 2, x: 1 },
        ],
      },
      ['arguments/a must NOT have duplicate items'],
    ],
    [{ properties: { a: { uniqueItems: true } } }, { a: [1, '1', null, [1]] }, []],
    [{ prefixItems: [true] }, {}, []],
    [
      { $schema: draft7, properties: { a: { items: [{ const: 1 }], additionalItems: false } } },
      { a: [1, 2] },
      ['arguments/a must NOT have more than 1 items'],
    ],
    [
      { $schema: draft7, definitions: { n: { type: 'number' } }, properties: { a: { $ref: '#/definitions/n' } } },
      { a: 'x' },
      ['arguments/a must be number'],
    ],
    [
      { $defs: { n: { type: 'number' } }, properties: { a: { $ref: '#/$defs/n' } } },
      { a: 'x' },
      ['arguments/a must be number'],
    ],
    [
      { properties: { a: { prefixItems: [{ const: 1 }], items: false } } },
      { a: [1, 2] },
      ['arguments/a must NOT have more than 1 items'],
    ],
    [{ not: { required: ['force'] } }, { force: false }, ['arguments must NOT be valid']],
  ])('[M3] %j for %j', (schema, args, reasons) => {
    expect(rules.compile(schema)(args)).toEqual(reasons);
  });

  it('[M3] keeps two patterns apart', () => {
    const check = rules.compile({ properties: { a: { pattern: '^x+$' }, b: { pattern: '^y+$' } } });
    expect(check({ a: 'x', b: 'y' })).toEqual([]);
    expect(check({ a: 'y' })).toEqual(['arguments/a must match pattern "^x+$"']);
    expect(check({ b: 'x' })).toEqual(['arguments/b must match pattern "^y+$"']);
  });

  it('[M3] takes patterns as ECMAScript means them: anywhere in the text, $ at its very end, characters not units', () => {
    const check = rules.compile({
      properties: { a: { pattern: '^/safe/[\\w.-]+$' }, b: { pattern: 'b' }, c: { pattern: '^.$' } },
    });
    expect(check({ a: '/safe/x.txt', b: 'abc', c: '😀' })).toEqual([]);
    expect(check({ a: '/safe/x\n' })).toHaveLength(1);
  });

  it('[M3] does not change the arguments', () => {
    const args = { a: '1', deep: { b: [1] } };
    rules.compile({ properties: { a: { type: 'number', default: 1 }, c: { default: 2 } } })(args);
    expect(args).toEqual({ a: '1', deep: { b: [1] } });
  });
});

describe('a schema that cannot be a rule', () => {
  it.each<[schema: Schema, path: string, text: RegExp]>([
    [{ properties: { a: { maxmum: 1 } } }, 'properties/a/maxmum', /no keyword/],
    [{ properties: { a: { type: 'nmber' } } }, 'properties/a/type', /allowed values/],
    [{ properties: { a: { pattern: '(?=x)' } } }, 'properties/a/pattern', /look-around/],
    [{ properties: { a: { pattern: '(a)\\1' } } }, 'properties/a/pattern', /back-references/],
    [{ properties: { a: { pattern: '(' } } }, 'properties/a/pattern', /missing/],
    [{ properties: { a: { pattern: '(a{30}){30}(b{30}){30}' } } }, 'properties/a/pattern', /repeat/],
    [{ patternProperties: { '(?!a)': true } }, 'patternProperties/(?!a)', /look-around/],
    [{ properties: { a: { format: 'email' } } }, 'properties/a/format', /pattern/],
    [{ properties: { a: { $ref: 'http://127.0.0.1/x' } } }, 'properties/a/$ref', /nothing is fetched/],
    [{ properties: { a: { $ref: '#/$defs/none' } } }, 'properties/a/$ref', /nothing in this schema/],
    [{ properties: { a: { $ref: '#/constructor' } } }, 'properties/a/$ref', /nothing in this schema/],
    [{ properties: { a: { $ref: '#' } } }, 'properties/a/$ref', /itself/],
    [{ $defs: { a: { $ref: '#/$defs/b' }, b: { $ref: '#/$defs/a' } } }, '$defs/a/$ref', /itself/],
    [{ $id: 'x' }, '$id', /remove/],
    [{ $dynamicRef: '#x' }, '$dynamicRef', /not followed/],
    [{ $schema: 'http://json-schema.org/draft-04/schema#' }, '$schema', /2020-12/],
    [{ $schema: 'constructor' }, '$schema', /2020-12/],
    [{ properties: { a: 1 } }, 'properties/a', /expected a schema/],
    [json('{"properties": {"__proto__": {"type": "number"}}}') as Schema, 'properties/__proto__', /__proto__/],
    [{ description: 'a\ud800' }, '', /lone surrogate/],
    [{ description: 'a'.repeat(70_000) }, '', /65536/],
    [{ enum: Array.from({ length: 2_001 }, (_, i) => i) }, '', /2000/],
  ])('[M3] %j is a mistake at "%s"', (schema, path, text) => {
    const found = mistake(schema);
    expect(found.path).toBe(path);
    expect(found.text).toMatch(text);
  });

  it('[S3] refuses nesting and references that multiply, without spending time on them', () => {
    let deep: Schema = {};
    for (let i = 0; i < 600; i++) deep = { not: deep };
    const doubling: Record<string, Schema> = { d0: { type: 'string' } };
    for (let i = 1; i < 25; i++)
      doubling[`d${i}`] = { anyOf: [{ $ref: `#/$defs/d${i - 1}` }, { $ref: `#/$defs/d${i - 1}` }] };
    const chain: Record<string, Schema> = { d0: { type: 'string' } };
    for (let i = 1; i < 1_000; i++) chain[`d${i}`] = { $ref: `#/$defs/d${i - 1}` };
    const spent = cpuMs(() => {
      expect(mistake(deep).text).toMatch(/nested deeper/);
      expect(mistake({ $defs: doubling, $ref: '#/$defs/d24' }).text).toMatch(/larger than 2000/);
      expect(mistake({ anyOf: Array.from({ length: 4_000 }, () => ({})) }).text).toMatch(/larger than 2000/);
      expect(mistake({ $ref: '#/$defs/d999', $defs: chain }).text).toMatch(/nested deeper/);
    });
    expect(spent).toBeLessThan(300);
  });

  it('[S3] never fetches a remote reference', async () => {
    let hits = 0;
    const canary = http.createServer((_, response) => {
      hits++;
      response.end('{}');
    });
    await new Promise<void>((resolve) => canary.listen(0, '127.0.0.1', resolve));
    const address = canary.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    const url = `http://127.0.0.1:${address.port}/schema.json`;
    try {
      expect(mistake({ properties: { a: { $ref: url } } }).path).toBe('properties/a/$ref');
      expect(mistake({ $schema: url }).path).toBe('$schema');
      await fetch(url);
      expect(hits).toBe(1);
    } finally {
      await new Promise((resolve) => canary.close(resolve));
    }
  });
});

describe('time', () => {
  it.each([
    ['(a+)+$', `${'a'.repeat(50_000)}!`],
    ['^(a|a)*$', `${'a'.repeat(50_000)}!`],
    ['(x+x+)+y', 'x'.repeat(50_000)],
    ['^(\\w+\\s?)*$', `${'a'.repeat(50_000)}!`],
  ])('[M3] checks %s on 50,000 characters within 100 ms of CPU', (pattern, text) => {
    const check = rules.compile({ properties: { a: { pattern } } });
    let reasons: readonly string[] = [];
    const spent = cpuMs(() => {
      reasons = check({ a: text });
    });
    expect(reasons).toEqual([`arguments/a must match pattern "${pattern}"`]);
    expect(spent).toBeLessThan(100);
  });

  it('[M3] refuses texts too long for a heavy pattern, also where a mismatch would pass', () => {
    const heavy = '(a|b)*a(a|b){80}[xy]';
    const args = { a: 'ab'.repeat(25_000) };
    for (const rule of [{ pattern: heavy }, { not: { pattern: heavy } }, { anyOf: [{ pattern: heavy }, true] }]) {
      expect(rules.compile({ properties: { a: rule } })(args)).toEqual([
        expect.stringMatching(/too long for the patterns/),
      ]);
    }
    expect(rules.compile({ properties: { a: { pattern: heavy } } })({ a: `a${'b'.repeat(80)}x` })).toEqual([]);
  });

  it('[S3] bounds what many values cost', () => {
    const check = rules.compile({
      additionalProperties: { anyOf: Array.from({ length: 1_000 }, (_, i) => ({ const: `no${i}` })) },
    });
    const args = Object.fromEntries(Array.from({ length: 10_000 }, (_, i) => [`k${i}`, i]));
    let reasons: readonly string[] = [];
    const spent = cpuMs(() => {
      reasons = check(args);
    });
    expect(reasons).toHaveLength(1);
    expect(spent).toBeLessThan(500);
    expect(rules.compile({ additionalProperties: { type: 'integer' } })(args)).toEqual([]);
    expect(
      rules.compile({ properties: { a: { uniqueItems: true } } })({ a: Object.values(args).map((n) => ({ n })) }),
    ).toEqual([]);
  });
});
