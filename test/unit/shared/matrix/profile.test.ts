import { expect, it } from 'vitest';
import type { Target } from '../../../../shared/matrix/match.ts';
import { applyProfile, securityProfileSchema } from '../../../../shared/matrix/profile.ts';

const targets: Record<string, Target> = {
  read_file: { kind: 'tool', listedName: 'files__read_file', serverId: 'files', ownName: 'read_file' },
  write_file: { kind: 'tool', listedName: 'files__write_file', serverId: 'files', ownName: 'write_file' },
  'file:///a': { kind: 'resource', uri: 'file:///a', serverId: 'files' },
  review: { kind: 'prompt', listedName: 'files__review', serverId: 'files', ownName: 'review' },
};

it.each<[operations: string[] | undefined, allowed: string[]]>([
  [undefined, ['read_file', 'write_file', 'file:///a', 'review']],
  [[], []],
  [['read_*'], ['read_file']],
  [['files__read_file'], []],
  [
    ['resource:file:///*', 'prompt:review'],
    ['file:///a', 'review'],
  ],
  [['*'], ['read_file', 'write_file', 'file:///a', 'review']],
])('[M6] with allowed_operations %j a server is used for %j', (allowed_operations, allowed) => {
  const profile = securityProfileSchema.parse({
    risk_level: 'high',
    ...(allowed_operations && { allowed_operations }),
  });
  const used = Object.keys(targets).filter((name) => applyProfile(profile, targets[name]!).allowed);
  expect(used).toEqual(allowed);
});

it('[M6] says which operation is not among them', () => {
  expect(applyProfile({ allowed_operations: ['read_file'] }, targets.write_file!)).toEqual({
    allowed: false,
    reasons: ['write_file is not among allowed_operations of server files'],
  });
});

it('[X1] refuses a profile with a word it does not know', () => {
  expect(securityProfileSchema.safeParse({ allowed_operation: [] }).success).toBe(false);
});
