import { expect, it } from 'vitest';
import { type TokenSource, Tokens } from '../../../client/tokens.ts';

const START = 1_800_000_000_000;
const LIFE_MS = 900_000;

function token(name: string, issuedAt: number): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  return `${part({ alg: 'none' })}.${part({ jti: name, iat: issuedAt / 1000, exp: (issuedAt + LIFE_MS) / 1000 })}.x`;
}

interface Bench {
  readonly tokens: Tokens;
  readonly asked: unknown[];
  now: number;
  answer: () => Response;
}

function bench(source: TokenSource): Bench {
  const made: Bench = {
    asked: [],
    now: START,
    answer: () => new Response('{}', { status: 500 }),
    tokens: new Tokens({
      source,
      refreshUrl: new URL('http://router/api/auth/refresh'),
      now: () => made.now,
      fetch: async (_, init) => {
        made.asked.push(JSON.parse(String(init?.body)));
        return made.answer();
      },
    }),
  };
  return made;
}

const pairOf = (access: string, refresh: string) => () =>
  new Response(JSON.stringify({ access_token: access, refresh_token: refresh }));

it('[C1] exchanges a pair a minute before its end, once for all who ask, and gives the newer pair to be kept', async () => {
  const kept: unknown[] = [];
  const made = bench({ accessToken: token('a', START), refreshToken: 'r1', onRenewed: (pair) => kept.push(pair) });
  expect(await made.tokens.get()).toBe(token('a', START));
  expect(made.tokens.renewAt).toBe(START + LIFE_MS - 60_000);
  made.now = START + LIFE_MS - 59_000;
  const newer = token('b', made.now);
  made.answer = pairOf(newer, 'r2');
  expect(await Promise.all([1, 2, 3].map(() => made.tokens.get()))).toEqual([newer, newer, newer]);
  expect(made.asked).toEqual([{ refresh_token: 'r1' }]);
  expect(kept).toEqual([{ accessToken: newer, refreshToken: 'r2' }]);
  made.now += LIFE_MS;
  made.answer = pairOf(token('c', made.now), 'r3');
  await made.tokens.get();
  expect(made.asked[1]).toEqual({ refresh_token: 'r2' });
});

it('[C1] goes on with a token that could not be renewed ahead of time, until it ends', async () => {
  const made = bench({ accessToken: token('a', START), refreshToken: 'r1' });
  made.now = START + LIFE_MS - 30_000;
  made.answer = () => {
    throw new TypeError('fetch failed');
  };
  expect(await made.tokens.get()).toBe(token('a', START));
  made.now = START + LIFE_MS;
  await expect(made.tokens.get()).rejects.toThrow('fetch failed');
  const error = { message: 'A valid bearer token is required', data: { reason: 'INVALID_API_KEY' } };
  made.answer = () => new Response(JSON.stringify({ error }), { status: 401 });
  await expect(made.tokens.get()).rejects.toMatchObject({ reason: 'INVALID_API_KEY' });
});

it('[C1] asks a function again before the token ends, and when it was refused', async () => {
  let given = 0;
  const made = bench(() => token(`f${++given}`, made.now));
  const first = await made.tokens.get();
  expect(await made.tokens.get()).toBe(first);
  made.now = START + LIFE_MS - 60_000;
  expect(await made.tokens.get()).not.toBe(first);
  await made.tokens.renew('refused');
  expect(given).toBe(3);
});

it('[C1] a text that is no JWT is shown as it is; one that has ended is refused here', async () => {
  expect(await bench('opaque').tokens.get()).toBe('opaque');
  const made = bench(token('a', START));
  expect(made.tokens.renewAt).toBeUndefined();
  made.now = START + LIFE_MS - 1;
  expect(await made.tokens.get()).toBe(token('a', START));
  made.now++;
  await expect(made.tokens.get()).rejects.toMatchObject({ reason: 'INVALID_API_KEY' });
});

it('[C1] tells a function why another token is asked for', async () => {
  const needs: string[] = [];
  const made = bench((need) => {
    needs.push(need);
    if (need === 'ending') throw new Error('not yet');
    return token(need, made.now);
  });
  await made.tokens.get();
  made.now += LIFE_MS - 1_000;
  await made.tokens.get();
  made.now += 1_000;
  await made.tokens.get();
  await made.tokens.renew('refused');
  expect(needs).toEqual(['first', 'ending', 'ended', 'refused']);
});
