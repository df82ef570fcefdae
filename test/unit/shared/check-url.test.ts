import { expect, it } from 'vitest';
import { type Address, checkUrl } from '../../../shared/check-url.ts';
import { AppError } from '../../../shared/errors.ts';

const resolveTo =
  (...addresses: string[]) =>
  async (): Promise<Address[]> =>
    addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));

async function kindOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
    return 'allowed';
  } catch (error) {
    return error instanceof AppError ? error.kind : String(error);
  }
}

it.each([
  'http://169.254.169.254/latest/meta-data/',
  'http://[::ffff:127.0.0.1]/mcp',
  'http://[::ffff:7f00:1]/mcp',
  'http://[::127.0.0.1]/',
  'http://0177.0.0.1/',
  'http://2130706433/',
  'http://0x7f.1/',
  'http://127.1/',
  'http://①②⑦.0.0.1/',
  'http://localhost/',
  'http://localhost./',
  'http://LOCALHOST:8083/',
  'http://a.localhost/',
  'http://0.0.0.0:8083/',
  'http://10.1.2.3/',
  'http://172.31.0.1/',
  'http://192.168.1.1/',
  'http://100.64.0.1/',
  'http://224.0.0.1/',
  'http://255.255.255.255/',
  'http://[::1]/',
  'http://[::]/',
  'http://[fe80::1]/',
  'http://[fd00::1]/',
  'http://[ff02::1]/',
  'http://[64:ff9b::7f00:1]/',
  'http://[2002:7f00:1::]/',
  'http://[2001:0:7f00:1::]/',
  'file:///etc/passwd',
  'gopher://example.com/',
  'ws://example.com/',
  'http://user:secret@example.com/',
  'not a url',
])('[R1] refuses %s', async (url) => {
  const error = await checkUrl(url, { resolve: resolveTo('93.184.215.14') }).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(AppError);
  expect(error).toMatchObject({ kind: 'SECURITY_VIOLATION' });
  expect((error as AppError).message).not.toMatch(/127|169|secret|example|passwd/);
});

it.each([
  ['http://127.0.0.1:9/', 'allowed'],
  ['http://[::1]:9/', 'allowed'],
  ['http://10.0.0.1/', 'allowed'],
  ['http://[::ffff:10.0.0.1]/', 'allowed'],
  ['http://169.254.169.254/', 'SECURITY_VIOLATION'],
  ['http://[::ffff:169.254.169.254]/', 'SECURITY_VIOLATION'],
  ['http://0.0.0.0/', 'SECURITY_VIOLATION'],
  ['http://[fe80::1]/', 'SECURITY_VIOLATION'],
])('[R1] with private networks allowed, %s is %s', async (url, outcome) => {
  expect(await kindOf(checkUrl(url, { allowPrivate: true }))).toBe(outcome);
});

it('[R1] refuses a name when one of its addresses is private', async () => {
  const mixed = resolveTo('93.184.215.14', '127.0.0.1');
  expect(await kindOf(checkUrl('http://example.com/', { resolve: mixed }))).toBe('SECURITY_VIOLATION');
  expect(await kindOf(checkUrl('http://example.com/', { resolve: resolveTo('2606:2800:21f::1') }))).toBe('allowed');
  expect(await kindOf(checkUrl('http://example.com/', { resolve: resolveTo() }))).toBe('CONNECTION_FAILED');
  expect(await kindOf(checkUrl('http://example.com/', { resolve: () => Promise.reject(new Error('no')) }))).toBe(
    'CONNECTION_FAILED',
  );
});

it('[R1] pins the addresses that were checked', async () => {
  let resolved = 0;
  const { lookup } = await checkUrl('http://example.com/', {
    resolve: async () => [{ address: resolved++ === 0 ? '93.184.215.14' : '127.0.0.1', family: 4 }],
  });
  const ask = (options: object): Promise<unknown[]> =>
    new Promise((resolve) => lookup('example.com', options, (...answer) => resolve(answer)));
  expect(await ask({})).toEqual([null, '93.184.215.14', 4]);
  expect(await ask({ all: true })).toEqual([null, [{ address: '93.184.215.14', family: 4 }]]);
  expect((await ask({ family: 6 }))[0]).toBeInstanceOf(Error);
  expect(resolved).toBe(1);
});
