import { describe, expect, it } from 'vitest';
import { MatchIndex, type Target } from '../../../../shared/matrix/match.ts';
import { permissionRowSchema } from '../../../../shared/matrix/rows.ts';

const tool = (listedName: string, serverId = 'ledger', ownName = listedName): Target => ({
  kind: 'tool',
  listedName,
  serverId,
  ownName,
});
const prompt = (listedName: string, serverId = 'ledger', ownName = listedName): Target => ({
  kind: 'prompt',
  listedName,
  serverId,
  ownName,
});
const resource = (uri: string, serverId = 'files'): Target => ({ kind: 'resource', uri, serverId });

function find(matches: readonly string[], target: Target) {
  return new MatchIndex(matches, (match) => match).find(target);
}

describe('which rows match', () => {
  it.each<[match: string, target: Target, matches: boolean]>([
    ['append', tool('append'), true],
    ['append', tool('ledger__append', 'ledger', 'append'), false],
    ['ledger/append', tool('ledger__append', 'ledger', 'append'), true],
    ['ledger/append', tool('append', 'other'), false],
    ['ledger/*', tool('ledger__append', 'ledger', 'append'), true],
    ['ledger/*', tool('x', 'ledger2', 'append'), false],
    ['*/delete_*', tool('x', 'any', 'delete_all'), true],
    ['*', tool('x'), true],
    ['*', prompt('x'), false],
    ['*', resource('x:y'), false],
    ['prompt:*', prompt('x'), true],
    ['prompt:x', tool('x'), false],
    ['prompt:ledger/x', prompt('ledger__x', 'ledger', 'x'), true],
    ['resource:file:///safe/*', resource('file:///safe/a/b'), true],
    ['resource:file:///safe/*', resource('file:///other'), false],
    ['resource:*', tool('resource:x'), false],
    // A server's own name with a slash cannot borrow another server's row, nor an id with one.
    ['a/b/c', tool('x', 'a', 'b/c'), true],
    ['a/b/c', tool('x', 'a/b', 'c'), false],
    ['ledger/append', tool('ledger/append', 'evil', 'append'), false],
    ['ledger/*', tool('ledger/append', 'evil', 'append'), false],
    // Look-alikes are other names.
    ['echo', tool('еcho'), false],
    ['echo', tool('ECHO'), false],
    ['echo', tool('echo\u200b'), false],
    ['echo', tool('echo '), false],
    ['__proto__', tool('__proto__'), true],
    ['constructor', tool('hasOwnProperty'), false],
    ['x', tool('constructor'), false],
  ])('[M1] %s for %j: %s', (match, target, matches) => {
    expect(find([match], target).winners).toEqual(matches ? [match] : []);
  });

  it.each([
    'file:///safe/../etc/passwd',
    'file:///safe/..',
    'file:///safe/%2e%2e/etc/passwd',
    'file:///safe/..%2fetc/passwd',
    'file:///safe\\..\\etc',
    'file:///safe/./a',
    'file:///safe/%2E./etc?x',
  ])('[M1] a pattern never opens %s, whose dots lead elsewhere; its own row does', (uri) => {
    expect(find(['resource:file:///safe/*'], resource(uri)).winners).toEqual([]);
    expect(find([`resource:${uri}`], resource(uri)).winners).toEqual([`resource:${uri}`]);
  });

  it('[M1] matches no name beyond 8,192 characters', () => {
    expect(find(['*', '*/*'], tool('a'.repeat(8_193))).winners).toEqual([]);
    expect(find(['resource:*'], resource('a'.repeat(8_193))).winners).toEqual([]);
  });
});

describe('which match wins', () => {
  const target = tool('ledger__append', 'ledger', 'append');

  it.each<[matches: string[], winners: string[], others: string[]]>([
    [['*', 'ledger__append'], ['ledger__append'], ['*']],
    [['ledger/*', '*', 'ledger__*'], ['ledger__*'], ['ledger/*', '*']],
    [['led*', 'ledger/app*'], ['ledger/app*'], ['led*']],
    [['l*', 'ledger/append'], ['ledger/append'], ['l*']],
    [['ledger/append', 'ledger__append'], ['ledger/append', 'ledger__append'], []],
    [['*append', 'ledger*'], ['*append', 'ledger*'], []],
    [['*/*', '*'], ['*/*'], ['*']],
  ])('[M1] of %j', (matches, winners, others) => {
    const found = find(matches, target);
    expect([...found.winners].sort()).toEqual([...winners].sort());
    expect(found.others).toEqual(others);
  });
});

describe('a row as it is written', () => {
  it.each([
    [{ match: '', level: 'READ_ONLY' }, 'match'],
    [{ match: 'resource:', level: 'READ_ONLY' }, 'match'],
    [{ match: 'prompt:', level: 'READ_ONLY' }, 'match'],
    [{ match: 'a\ud800', level: 'READ_ONLY' }, 'match'],
    [{ match: 'a'.repeat(513), level: 'READ_ONLY' }, 'match'],
    [{ match: 'x', level: 'ADMIN' }, 'level'],
    [{ match: 'x', level: 'constructor' }, 'level'],
    [{ match: 'x', level: 4 }, 'level'],
    [{ match: 'x' }, 'level'],
    [{ match: 'x', level: 'READ_ONLY', approval: 'none' }, 'approval'],
    [{ match: 'x', level: 'READ_ONLY', audit: false }, 'audit'],
    [{ match: 'x', level: 'READ_ONLY', rate: { perMinute: 0 } }, 'rate'],
    [{ match: 'x', level: 'READ_ONLY', arguments: [] }, 'arguments'],
    [{ match: 'x', level: 'READ_ONLY', timeoutMs: 1.5 }, 'timeoutMs'],
  ])('[X1] refuses %j at its place', (row, place) => {
    const { error } = permissionRowSchema.safeParse(row);
    expect(error?.issues.map((issue) => issue.path[0])).toEqual([place]);
  });

  it('[X1] refuses what it does not know', () => {
    expect(permissionRowSchema.safeParse({ match: 'x', level: 'READ_ONLY', approve: true }).success).toBe(false);
  });

  it('[X1] takes all that a row may say', () => {
    const row = {
      match: 'resource:file:///*',
      level: 'GOVERNANCE',
      permission: 'fog:*',
      audit: false,
      justification: true,
      approval: 'critical_change',
      arguments: JSON.parse('{"properties": {"__proto__": true}}') as Record<string, unknown>,
      cacheSeconds: 10,
      timeoutMs: 1_000,
      rate: { perMinute: 5 },
      redact: ['password'],
    };
    expect(permissionRowSchema.parse(row)).toEqual(row);
  });
});
