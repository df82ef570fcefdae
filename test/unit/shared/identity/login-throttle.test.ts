import { beforeEach, expect, it } from 'vitest';
import { createLoginThrottle, type LoginThrottle } from '../../../../shared/identity/login-throttle.ts';
import { Clock, refusalOf } from '../../../fixtures/identity/setup.ts';

let clock: Clock;
let throttle: LoginThrottle;
let tried: number;
beforeEach(() => {
  clock = new Clock();
  throttle = createLoginThrottle(clock.now);
  tried = 0;
});

const fail = (name: string, client = 'c') =>
  throttle.attempt(name, client, async () => {
    tried++;
    return undefined;
  });
const succeed = (name: string, client = 'c') => throttle.attempt(name, client, async () => 'in');
async function waitMs(work: () => Promise<unknown>): Promise<unknown> {
  const error = await refusalOf(work);
  expect([error.kind, error.httpStatus]).toEqual(['RATE_LIMITED', 429]);
  return error.data?.retryAfterMs;
}

it('[A3] lets five wrong passwords through, then pauses a name for 1, 2, 4 … 60 s', async () => {
  for (let i = 0; i < 5; i++) await fail('alice');
  const pauses: unknown[] = [];
  for (let i = 0; i < 8; i++) {
    const pause = await waitMs(() => succeed('alice'));
    pauses.push(pause);
    clock.pass(Number(pause));
    await fail('alice', `client-${i}`);
  }
  expect(pauses).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]);
  expect(tried).toBe(13);
  await fail('bob');
});

it('[A3] a success clears the name; a quarter of an hour does too', async () => {
  for (let i = 0; i < 4; i++) await fail('alice');
  expect(await succeed('alice')).toBe('in');
  for (let i = 0; i < 5; i++) await fail('alice');
  await waitMs(() => fail('alice'));
  clock.pass(900_001);
  for (let i = 0; i < 4; i++) await fail('alice');
  expect(await succeed('alice')).toBe('in');
});

it('[A3] limits one client over all names without using up the budget of the others', async () => {
  for (let i = 0; i < 30; i++) await fail(`name-${i}`, 'one');
  for (let i = 0; i < 200; i++) await waitMs(() => fail(`more-${i}`, 'one'));
  expect(tried).toBe(30);
  expect(await succeed('alice', 'two')).toBe('in');
  clock.pass(2_000);
  await fail('name', 'one');
});

it('[A3] limits all clients together', async () => {
  for (let i = 0; i < 100; i++) await fail(`name-${i}`, `client-${i}`);
  expect(await waitMs(() => succeed('alice', 'fresh'))).toBe(500);
  clock.pass(500);
  expect(await succeed('alice', 'fresh')).toBe('in');
});

it('[A3] counts tries that run together, and runs four at once at most', async () => {
  let release = () => {};
  const gate = new Promise<undefined>((resolve) => {
    release = () => resolve(undefined);
  });
  const running = Array.from({ length: 4 }, (_, i) => throttle.attempt(`n${i}`, 'c', () => gate));
  await waitMs(() => succeed('alice'));
  release();
  await Promise.all(running);
  expect(await succeed('alice')).toBe('in');
});

it('[A3] D03: names of Object.prototype are names like others', async () => {
  for (const name of ['__proto__', 'constructor']) {
    for (let i = 0; i < 5; i++) await fail(name, name);
    await waitMs(() => fail(name, name));
  }
  expect(await succeed('toString')).toBe('in');
});
