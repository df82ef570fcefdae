import { expect, it } from 'vitest';
import { ServerIdentities } from '../../../router/server-identities.ts';
import type { Caller } from '../../../shared/identity/caller.ts';
import { EXECUTE_PERMISSION } from '../../../shared/identity/roles.ts';

it('[A6] gives a server tokens of its own, a newer one before the old one ends', () => {
  let now = 0;
  const identities = new ServerIdentities(() => now, 1_000);
  const first = identities.issue('governance');
  expect(identities.verify(first)).toMatchObject({ agentId: 'governance', permissions: [EXECUTE_PERMISSION] });
  now = 500;
  const second = identities.issue('governance');
  expect(identities.verify(second)).toBe(identities.verify(first));
  now = 1_000;
  expect(() => identities.verify(first)).toThrow();
  expect(identities.verify(second)).toMatchObject({ agentId: 'governance' });
  now = 1_500;
  expect(() => identities.verify(second)).toThrow();
});

it('[A6] takes no other token, and no caller of the village for a server', () => {
  const identities = new ServerIdentities(() => 0);
  for (const token of ['', 'server-', 'server-x', 'eyJhbGciOiJIUzI1NiJ9.e30.x'])
    expect(() => identities.verify(token)).toThrow();
  const caller = (agentId: string) => ({ agentId }) as Caller;
  expect(() => identities.refuseServer(caller('governance'))).toThrow();
  expect(identities.refuseServer(caller('sage')).agentId).toBe('sage');
});
