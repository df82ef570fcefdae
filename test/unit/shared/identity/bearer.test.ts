import { expect, it } from 'vitest';
import { readBearer } from '../../../../shared/identity/bearer.ts';
import { refusalOf } from '../../../fixtures/identity/setup.ts';

it.each([
  ['Authorization', 'Bearer a.b.c'],
  ['authorization', 'bearer a.b.c'],
  ['AUTHORIZATION', 'Bearer   a.b.c '],
])('[A1] reads the token of %s: %s', (name, value) => {
  expect(readBearer(['Host', 'x', name, value])).toBe('a.b.c');
});

it.each([
  ['no header', ['Host', 'x']],
  ['a cookie', ['Cookie', 'access_token=a.b.c']],
  ['another header', ['X-Api-Key', 'a.b.c', 'Proxy-Authorization', 'Bearer a.b.c']],
  ['Basic', ['Authorization', 'Basic YTpi']],
  ['no token', ['Authorization', 'Bearer ']],
  ['the bare token', ['Authorization', 'a.b.c']],
  ['lower case with junk', ['Authorization', 'bearer a.b.c junk']],
  ['two headers, valid first', ['Authorization', 'Bearer a.b.c', 'Authorization', 'Bearer x']],
  ['two headers, valid second', ['Authorization', 'Basic x', 'authorization', 'Bearer a.b.c']],
  ['a comma-joined pair', ['Authorization', 'Bearer a.b.c, Bearer d.e.f']],
  ['control characters', ['Authorization', 'Bearer a.b.c\u0000']],
])('[A6] A01: takes no credential from %s', async (_what, headers) => {
  expect((await refusalOf(() => readBearer(headers))).httpStatus).toBe(401);
});
