import { beforeEach, describe, expect, it } from 'vitest';
import { Call } from '../../../../router/call.ts';
import type { Entry } from '../../../../router/catalog/catalog.ts';
import { AnswerCache } from '../../../../router/line/cache.ts';
import { readClientMessage } from '../../../../router/message.ts';
import { Session } from '../../../../router/session.ts';
import type { Caller } from '../../../../shared/identity/caller.ts';
import { LEVELS } from '../../../../shared/identity/levels.ts';
import { encodeOctets, type Octets } from '../../../../shared/json/octets.ts';

const ROW = { match: 'up__read', level: 'OPERATOR', cacheSeconds: 10 } as const;
let now: number;
let cache: AnswerCache;
beforeEach(() => {
  now = 1_000;
  cache = new AnswerCache(() => now);
});

interface What {
  readonly args?: string;
  readonly meta?: string;
  readonly caller?: Partial<Caller>;
  readonly readOnly?: boolean;
  readonly digest?: string;
  readonly server?: object;
}

function callOf({ args = '{}', meta, caller = {} }: What): Call {
  const who: Caller = {
    agentId: 'alice',
    role: 'user',
    level: LEVELS.OPERATOR,
    permissions: ['b', 'a'],
    tokenId: 't',
    expiresAt: 1e12,
    ...caller,
  };
  const outlet = { open: true, send() {}, cut() {}, close() {} };
  const session = new Session({ id: 's', caller: who, endpoint: undefined, door: 'http', outlet });
  const more = meta === undefined ? '' : `,"_meta":${meta}`;
  const text = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"up__read","arguments":${args}${more}}}`;
  return new Call(session, who, readClientMessage(encodeOctets(text)), { send() {}, answer() {} });
}

function entryOf({ readOnly = true, digest = 'd', server = {} }: What): Entry {
  return {
    server: { id: 'up', serial: 1, epoch: 0, options: { isolation: 'shared', assertion: undefined }, ...server },
    item: { own: 'read', digest, readOnly },
    target: { kind: 'tool', listedName: 'up__read', serverId: 'up', ownName: 'read' },
  } as Entry;
}

const keyFor = (what: What = {}) => cache.keyFor(callOf(what), entryOf(what), ROW);
const answer = (text: string, ok = true) => ({ ok, octets: text as Octets });

describe('what is the same answer', () => {
  it.each<[string, What, What]>([
    ['arguments in another order', { args: '{"a":1,"b":[true]}' }, { args: '{ "b":[true], "a":1.0 }' }],
    ['another agent with the same rights', {}, { caller: { agentId: 'bob', permissions: ['a', 'b'] } }],
    ['a progress token', {}, { meta: '{"progressToken":7}' }],
    ['a justification', {}, { meta: '{"io.aivillage/justification":"because"}' }],
  ])('[R7] %s changes nothing', (_, a, b) => {
    expect(keyFor(b)).toBe(keyFor(a));
    expect(keyFor(a)).toBeDefined();
  });

  const told = { options: { isolation: 'shared', assertion: 'meta' } };
  it.each<[string, What, What]>([
    ['other arguments', { args: '{"a":1}' }, { args: '{"a":"1"}' }],
    ['another level', {}, { caller: { level: LEVELS.COORDINATOR } }],
    ['another role', {}, { caller: { role: 'admin' } }],
    ['another permission', {}, { caller: { permissions: ['a'] } }],
    ['another definition', {}, { digest: 'e' }],
    ['a server that was replaced', {}, { server: { serial: 2 } }],
    ['a list that changed', {}, { server: { epoch: 1 } }],
    ['another agent where the server is told', { server: told }, { server: told, caller: { agentId: 'bob' } }],
  ])('[R7] C07: %s is another answer', (_, a, b) => {
    expect(keyFor(a)).toBeDefined();
    expect(keyFor(b)).toBeDefined();
    expect(keyFor(b)).not.toBe(keyFor(a));
  });

  it.each<[string, What]>([
    ['a tool that is not read-only', { readOnly: false }],
    ['`_meta` that the server may read', { meta: '{"tenant":1}' }],
    ['a number that changes by parsing', { args: '{"a":9007199254740993}' }],
    ['arguments beyond 64 KiB', { args: `{"a":"${'x'.repeat(70_000)}"}` }],
    ['a server of the session alone', { server: { options: { isolation: 'session' } } }],
  ])('[R7] %s is never kept', (_, what) => {
    expect(keyFor(what)).toBeUndefined();
  });

  it('[R7] without cacheSeconds nothing is kept', () => {
    expect(cache.keyFor(callOf({}), entryOf({}), { match: 'up__read', level: 'OPERATOR' })).toBeUndefined();
  });
});

describe('how long and how much', () => {
  it('[R7] an answer is gone when the time of its row is over', () => {
    const key = keyFor()!;
    cache.put(key, callOf({}), ROW, answer('{"content":[]}'));
    now = 10_999;
    expect(cache.get(key)).toEqual({ ok: true, octets: '{"content":[]}' });
    now = 11_001;
    expect(cache.get(key)).toBeUndefined();
  });

  it('[R7] a failure, an answer over 1 MiB, and one in which its client had a part are not kept', () => {
    const asked = callOf({});
    asked.isPrivate = true;
    cache.put('a', callOf({}), ROW, answer('{"code":-32000}', false));
    cache.put('b', callOf({}), ROW, answer('{"content":[],"isError" : true}'));
    cache.put('c', callOf({}), ROW, answer('x'.repeat(2 ** 20 + 1)));
    cache.put('d', asked, ROW, answer('{}'));
    expect(cache.size).toBe(0);
  });

  it('[R7] holds 10,000 answers and 64 MiB at most', () => {
    for (let n = 0; n < 10_100; n++) cache.put(`k${n}`, callOf({}), ROW, answer('{}'));
    expect(cache.size).toBe(10_000);
    expect(cache.get('k0')).toBeUndefined();
    const big = 'x'.repeat(2 ** 20);
    for (let n = 0; n < 100; n++) cache.put(`big${n}`, callOf({}), ROW, answer(big));
    expect(cache.size).toBeLessThanOrEqual(64);
    expect(cache.get('big99')).toBeDefined();
  });
});
