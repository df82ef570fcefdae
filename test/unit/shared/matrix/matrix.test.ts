import { describe, expect, it } from 'vitest';
import { LEVELS, type LevelName } from '../../../../shared/identity/levels.ts';
import { parseExact } from '../../../../shared/json/exact.ts';
import type { Rights } from '../../../../shared/matrix/decide.ts';
import type { Target } from '../../../../shared/matrix/match.ts';
import { createMatrix } from '../../../../shared/matrix/matrix.ts';
import type { PermissionRow } from '../../../../shared/matrix/rows.ts';

const permits = (granted: readonly string[], needed: string) => granted.includes(needed);
const sage = (level: LevelName, ...permissions: string[]): Rights => ({
  agentId: 'sage',
  level: LEVELS[level],
  permissions,
});
const tool = (ownName: string, serverId = 'ledger'): Target => ({
  kind: 'tool',
  listedName: `${serverId}__${ownName}`,
  serverId,
  ownName,
});
const ours = (name: string): Target => ({ kind: 'tool', listedName: name, serverId: 'monitoring', ownName: name });

function matrix(configured: readonly PermissionRow[], builtIn: readonly PermissionRow[] = []) {
  return createMatrix({ builtIn, configured, permits });
}

const noRow = (name: string) => `no row matches tool ${name}, and what has no row is denied; add one to "permissions"`;

describe('a decision', () => {
  it('[M1] denies what has no row', () => {
    const decision = matrix([{ match: 'ledger/read', level: 'READ_ONLY' }]).decide(sage('EMERGENCY'), tool('append'));
    expect(decision).toEqual({ allowed: false, visible: false, reasons: [noRow('ledger__append')] });
  });

  it('[A5] needs the level of the row', () => {
    const { decide } = matrix([{ match: 'ledger/*', level: 'GOVERNANCE' }]);
    expect(decide(sage('EMERGENCY'), tool('x')).allowed).toBe(true);
    expect(decide(sage('GOVERNANCE'), tool('x')).allowed).toBe(true);
    expect(decide(sage('OPERATOR'), tool('x'))).toEqual({
      allowed: false,
      visible: false,
      row: { match: 'ledger/*', level: 'GOVERNANCE' },
      reasons: ['needs level GOVERNANCE, sage has OPERATOR'],
    });
  });

  it.each([Number.NaN, undefined, {}])('[A5] takes %s for no level at all', (level) => {
    const forged: Rights = { agentId: 'x', level: LEVELS.EMERGENCY, permissions: [] };
    Reflect.set(forged, 'level', level);
    const { decide, visible } = matrix([{ match: '*', level: 'READ_ONLY' }]);
    expect(decide(forged, tool('x')).allowed).toBe(false);
    expect(visible(forged, tool('x'))).toBe(false);
  });

  it('[A4] needs the permission of the row too', () => {
    const { decide } = matrix([{ match: '*', level: 'OPERATOR', permission: 'audit:read' }]);
    expect(decide(sage('OPERATOR', 'audit:read'), tool('x')).allowed).toBe(true);
    expect(decide(sage('READ_ONLY'), tool('x'))).toMatchObject({
      visible: false,
      reasons: ['needs level OPERATOR, sage has READ_ONLY', 'needs permission audit:read, sage does not hold it'],
    });
  });

  it.each([undefined, '', ' \n'])('[M1] refuses the justification %j where one is needed', (justification) => {
    const { decide } = matrix([{ match: '*', level: 'READ_ONLY', justification: true }]);
    expect(decide(sage('OPERATOR'), tool('x'), { justification })).toMatchObject({
      allowed: false,
      visible: true,
      reasons: [expect.stringContaining('_meta["io.aivillage/justification"]')],
    });
    expect(decide(sage('OPERATOR'), tool('x'), { justification: 'a leak' }).allowed).toBe(true);
  });

  it('[M3] parses the arguments only where there are rules, and only for who may call', () => {
    let parsed = 0;
    const call = { arguments: () => ({ parsed: ++parsed }) };
    const { decide } = matrix([
      { match: 'ledger/free', level: 'READ_ONLY' },
      { match: 'ledger/ruled', level: 'OPERATOR', arguments: { properties: { parsed: { const: 1 } } } },
    ]);
    decide(sage('OPERATOR'), tool('free'), call);
    decide(sage('READ_ONLY'), tool('ruled'), call);
    expect(parsed).toBe(0);
    expect(decide(sage('OPERATOR'), tool('ruled'), call).allowed).toBe(true);
    expect(decide(sage('OPERATOR'), tool('ruled'), call)).toMatchObject({
      visible: true,
      reasons: ['arguments/parsed must be equal to constant: 1'],
    });
  });

  it('[M3] refuses numbers that the server could read differently', () => {
    const { decide } = matrix([
      { match: '*', level: 'READ_ONLY', arguments: { properties: { n: { maximum: 9_007_199_254_740_992 } } } },
    ]);
    const call = { arguments: () => parseExact('{"n":9007199254740993}') };
    expect(decide(sage('OPERATOR'), tool('x'), call)).toMatchObject({ allowed: false, visible: true });
  });

  it('[G5] names the proposal that a gated call becomes', () => {
    const row: PermissionRow = { match: '*', level: 'READ_ONLY', approval: 'major_change' };
    expect(matrix([row]).decide(sage('OPERATOR'), tool('x'))).toEqual({ allowed: true, row, approval: 'major_change' });
  });

  it.each(['__proto__', 'constructor', 'hasOwnProperty', 'toString', 'valueOf'])(
    '[S3] treats %s like any other name of a tool, a server, a caller and a row',
    (name) => {
      const forged: Rights = { agentId: name, level: LEVELS.READ_ONLY, permissions: [name] };
      const none = matrix([{ match: 'ledger/x', level: 'READ_ONLY' }]);
      expect(none.decide(forged, tool(name)).allowed).toBe(false);
      expect(none.decide(forged, ours(name)).allowed).toBe(false);
      expect(none.decide(forged, tool('x', name)).allowed).toBe(false);
      const one = matrix([
        { match: name, level: 'OPERATOR' },
        { match: `${name}/x`, level: 'READ_ONLY', permission: name, arguments: { required: [name] } },
      ]);
      expect(one.decide(forged, ours(name))).toMatchObject({
        reasons: [`needs level OPERATOR, ${name} has READ_ONLY`],
      });
      expect(one.decide(forged, tool('x', name))).toMatchObject({ visible: true });
      const args = JSON.parse(`{"${name}": 1}`) as unknown;
      expect(one.decide(forged, tool('x', name), { arguments: () => args }).allowed).toBe(true);
      expect(Object.keys(Object.prototype)).toEqual([]);
    },
  );

  it('remembers nothing wrongly, however many and long the names are', () => {
    const { decide } = matrix([{ match: 'ledger/a*', level: 'READ_ONLY' }]);
    for (let i = 0; i < 25_000; i++) decide(sage('OPERATOR'), tool(`n${i}`));
    for (const name of ['a', 'b', 'a1', `a${'x'.repeat(2_000)}`, `b${'x'.repeat(2_000)}`]) {
      for (const _ of [1, 2]) expect(decide(sage('OPERATOR'), tool(name)).allowed).toBe(name.startsWith('a'));
    }
  });

  it('[M2] keeps targets apart whose names join to the same text', () => {
    const { decide } = matrix([{ match: 'a/bc', level: 'READ_ONLY' }]);
    const split = (listedName: string, serverId: string, ownName: string) =>
      decide(sage('OPERATOR'), { kind: 'tool', listedName, serverId, ownName }).allowed;
    expect([split('x', 'a', 'bc'), split('x', 'ab', 'c'), split('xa', 'b', 'c'), split('', 'xa', 'bc')]).toEqual([
      true,
      false,
      false,
      false,
    ]);
  });
});

describe('mistakes', () => {
  it('[M1] denies a target whose rows tie and names both', () => {
    const { decide, mistakes, explain } = matrix([
      { match: 'ledger/append', level: 'READ_ONLY' },
      { match: 'ledger__append', level: 'EMERGENCY' },
    ]);
    const text =
      'permissions[0] (ledger/append) and permissions[1] (ledger__append) match ledger__append equally; make one more specific';
    // Which of the two names comes first is not promised.
    const sorted = (reasons: readonly string[]) => reasons.map((reason) => reason.split(/ and | match /).sort());
    const decision = decide(sage('EMERGENCY'), tool('append'));
    expect(decision).toMatchObject({ allowed: false, visible: false });
    expect(sorted(decision.allowed ? [] : decision.reasons)).toEqual(sorted([text]));
    expect(explain(sage('EMERGENCY'), tool('append')).decision).toBe('denied');
    expect(mistakes).toEqual([]);
  });

  it('[X1] lists the ties among what the servers offer', () => {
    const { ties } = matrix([
      { match: 'ledger/*', level: 'READ_ONLY' },
      { match: 'ledger_*', level: 'EMERGENCY' },
    ]);
    expect(ties([tool('read'), tool('read', 'other')])).toEqual([
      'permissions[0] (ledger/*) and permissions[1] (ledger_*) match ledger__read equally; make one more specific',
    ]);
  });

  it('[X1] reports the same match twice, with both places, and denies it', () => {
    const { decide, mistakes } = matrix([
      { match: 'x*', level: 'READ_ONLY' },
      { match: 'y', level: 'READ_ONLY' },
      { match: 'x**', level: 'OPERATOR' },
    ]);
    expect(mistakes).toEqual([
      {
        path: ['permissions', 2, 'match'],
        text: 'x** stands in permissions[0] already; keep one of them (until then both deny)',
      },
    ]);
    expect(decide(sage('EMERGENCY'), ours('x1')).allowed).toBe(false);
    expect(decide(sage('EMERGENCY'), ours('y')).allowed).toBe(true);
  });

  it('[X1] reports rules that do not compile at their place, and that row denies instead of a looser one', () => {
    const { decide, explain, mistakes, version } = matrix([
      { match: '*', level: 'READ_ONLY' },
      { match: 'ledger/pay', level: 'READ_ONLY', arguments: { properties: { to: { pattern: '(?<!x)' } } } },
    ]);
    expect(mistakes.map(({ path }) => path)).toEqual([['permissions', 1, 'arguments', 'properties', 'to', 'pattern']]);
    expect(decide(sage('EMERGENCY'), tool('pay'))).toMatchObject({ allowed: false, visible: false });
    expect(explain(sage('EMERGENCY'), tool('pay')).reasons).toContain(
      'the argument rules of permissions[1] (ledger/pay) do not compile',
    );
    expect(version).toMatch(/^[0-9a-f]{64}$/);
  });
});

describe('built-in rows', () => {
  const builtIn: PermissionRow[] = [
    { match: 'pay', level: 'GOVERNANCE', permission: 'pay:all', approval: 'major_change', rate: { perMinute: 10 } },
    { match: 'resource:m://*', level: 'READ_ONLY' },
  ];

  it('[M4] are replaced by a configured row with the same match, and explain says how it differs', () => {
    const { explain, decide, rows, mistakes } = matrix(
      [
        {
          match: 'pay',
          level: 'EMERGENCY',
          justification: true,
          approval: 'emergency_action',
          rate: { perMinute: 20 },
        },
      ],
      builtIn,
    );
    expect(mistakes).toEqual([]);
    expect(rows().map(({ row, origin }) => [row.match, origin])).toEqual([
      ['pay', 'configured'],
      ['resource:m://*', 'built-in'],
    ]);
    expect(decide(sage('GOVERNANCE', 'pay:all'), ours('pay')).allowed).toBe(false);
    expect(explain(sage('EMERGENCY'), ours('pay'))).toMatchObject({
      decision: 'approval_required',
      reasons: [
        'needs level EMERGENCY, sage has EMERGENCY',
        'the call becomes a proposal (emergency_action) and runs when that is approved',
        'the call must say why in _meta["io.aivillage/justification"]',
        'at most 20 calls a minute',
        'decided by permissions[0] (pay)',
        'tightens the built-in row: level EMERGENCY instead of GOVERNANCE',
        'loosens the built-in row: permission none instead of pay:all',
        'tightens the built-in row: justification true instead of none',
        'loosens the built-in row: approval emergency_action instead of major_change',
        'loosens the built-in row: rate {"perMinute":20} instead of {"perMinute":10}',
      ],
    });
  });

  it('[M4] shows a less specific row that was passed over', () => {
    const { explain } = matrix([{ match: 'resource:m://secret/*', level: 'EMERGENCY' }], builtIn);
    const target: Target = { kind: 'resource', uri: 'm://secret/a', serverId: 'm' };
    expect(explain(sage('OPERATOR'), target).reasons).toEqual([
      'needs level EMERGENCY, sage has OPERATOR',
      'decided by permissions[0] (resource:m://secret/*)',
      'also matched, but less specific: the built-in row resource:m://*',
    ]);
  });
});

describe('explain', () => {
  const { explain } = matrix([
    { match: 'ledger/pay', level: 'OPERATOR', arguments: { properties: { amount: { type: 'number', maximum: 10 } } } },
  ]);

  it.each<[args: unknown, decision: string, first: string]>([
    [undefined, 'allowed', 'needs level OPERATOR, sage has COORDINATOR'],
    [{ amount: 10 }, 'allowed', 'needs level OPERATOR, sage has COORDINATOR'],
    [{ amount: 11 }, 'denied', 'arguments/amount must be <= 10'],
  ])('[M4] says for the arguments %j: %s', (args, decision, first) => {
    const explanation = explain(sage('COORDINATOR'), tool('pay'), args);
    expect([explanation.decision, explanation.reasons[0]]).toEqual([decision, first]);
    expect(explanation.row?.match).toBe('ledger/pay');
  });

  it('[M4] says that the rules were not asked when there are no arguments', () => {
    expect(explain(sage('COORDINATOR'), tool('pay')).reasons).toContain(
      'the row has rules for the arguments; give them to have them checked',
    );
  });

  it('[M4] says why a pattern does not open a URI with dots in it', () => {
    const files = matrix([{ match: 'resource:file:///safe/*', level: 'READ_ONLY' }]);
    const target: Target = { kind: 'resource', uri: 'file:///safe/../etc', serverId: 'files' };
    expect(files.explain(sage('EMERGENCY'), target).reasons).toEqual([
      'no pattern opens file:///safe/../etc, because . or .. segments may lead elsewhere; ask for the plain URI',
    ]);
  });

  it('[M4] says what is missing when there is no row', () => {
    expect(explain(sage('EMERGENCY'), tool('x'))).toEqual({ decision: 'denied', reasons: [noRow('ledger__x')] });
  });
});

describe('the version', () => {
  const a: PermissionRow = { match: 'a', level: 'READ_ONLY' };
  const b: PermissionRow = { match: 'b', level: 'OPERATOR', arguments: { required: ['x'] } };

  it('[G5] does not depend on the order of rows or keys, nor on where a row comes from', () => {
    const { version } = matrix([a, b]);
    expect(matrix([b, a]).version).toBe(version);
    expect(matrix([{ level: 'OPERATOR', arguments: { required: ['x'] }, match: 'b' }], [a]).version).toBe(version);
  });

  it('[G5] changes with anything that a row says', () => {
    const others: PermissionRow[][] = [
      [a],
      [a, b, b],
      [a, { ...b, level: 'READ_ONLY' }],
      [a, { ...b, arguments: {} }],
      [],
    ];
    const versions = [[a, b], ...others].map((rows) => matrix(rows).version);
    expect(new Set(versions).size).toBe(versions.length);
  });
});
