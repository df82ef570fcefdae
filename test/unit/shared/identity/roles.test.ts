import fc from 'fast-check';
import { expect, it } from 'vitest';
import { PERMISSIONS, permits, ROLE_PERMISSIONS } from '../../../../shared/identity/roles.ts';

const name = fc.stringMatching(/^[a-z_]{1,12}$/);
const permission = fc.tuple(name, name).map((pair) => pair.join(':'));

it.each([
  [['fog:use_marketplace'], 'fog:use_marketplace', true],
  [['fog:*'], 'fog:use_marketplace', true],
  [['fog:*'], 'fog:jobs:submit', true],
  [['fog:jobs:*'], 'fog:jobs:submit', true],
  [['fog:jobs:*'], 'fog:jobs', false],
  [['system:full_access'], 'anything:at_all', true],
  [['system:*'], 'fog:read', false],
  [['fog:*'], 'fogger:read', false],
  [['fog:*'], 'fog:', false],
  [['fog*'], 'fog:read', false],
  [['*'], 'fog:read', false],
  [['*:*'], 'fog:read', false],
  [[':*'], ':read', false],
  [['fog:read'], 'fog:read_more', false],
  [['FOG:*'], 'fog:read', false],
  [[], 'fog:read', false],
])('[A4] %j for %s gives %s', (granted, needed, expected) => {
  expect(permits(granted, needed)).toBe(expected);
});

it('[A4] covers exactly what stands in the list when there is no pattern in it', () => {
  fc.assert(
    fc.property(fc.array(permission), permission, (granted, needed) => {
      expect(permits(granted, needed)).toBe(granted.includes(needed) || granted.includes('system:full_access'));
    }),
  );
});

it('[A4] a domain pattern covers that domain and no other', () => {
  fc.assert(
    fc.property(name, permission, (domain, needed) => {
      expect(permits([`${domain}:*`], needed)).toBe(needed.startsWith(`${domain}:`));
    }),
  );
});

it('[A4] more grants never take anything away', () => {
  fc.assert(
    fc.property(fc.array(fc.string()), fc.array(fc.string()), fc.string(), (some, more, needed) => {
      if (permits(some, needed)) expect(permits([...more, ...some], needed)).toBe(true);
    }),
  );
});

it('[A4] admin may everything; what user may, developer may', () => {
  for (const needed of PERMISSIONS) {
    expect(permits(ROLE_PERMISSIONS.admin, needed)).toBe(true);
    if (permits(ROLE_PERMISSIONS.user, needed)) expect(permits(ROLE_PERMISSIONS.developer, needed)).toBe(true);
  }
  expect(permits(ROLE_PERMISSIONS.user, 'fog:use_marketplace')).toBe(true);
  expect(permits(ROLE_PERMISSIONS.user, 'fog:submit_job')).toBe(false);
  expect(permits(ROLE_PERMISSIONS.developer, 'system:emergency_stop')).toBe(false);
});
