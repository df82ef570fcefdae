import { expect, it } from 'vitest';
import { bindCall } from '../../../../servers/governance/binding.ts';
import { LEVELS } from '../../../../shared/identity/levels.ts';
import {
  caller,
  curator,
  digest,
  kindOf,
  king,
  openVillage,
  plain,
  START,
  sage,
  type Village,
} from '../../../fixtures/governance/village.ts';

const RETENTION = 'knowledge.retention_days';

/** Sage's major_change to set the retention, approved by curator and king, and started. */
function startedChange({ decisions }: Village, value: number) {
  const args = { policy: RETENTION, value };
  const binding = bindCall(
    {
      caller: 'sage',
      serverId: 'governance',
      tool: 'governance_policy',
      definitionDigest: 'd',
      arguments: args,
      matrixVersion: 'm',
    },
    digest,
  );
  const { id } = decisions.propose(sage, {
    ...plain('major_change', 'Update Knowledge Retention Policy'),
    action: { tool: 'governance_policy', argumentsText: JSON.stringify(args), binding },
  });
  decisions.vote(curator, id, 'approve', 'Storage allows it');
  decisions.vote(king, id, 'approve', 'Agreed');
  const { fence } = decisions.claimExecution(id, binding);
  return { id, fence };
}

it('[G7] has the default until somebody sets it', async () => {
  const { policies } = await openVillage();
  expect(policies.get(RETENTION)).toMatchObject({ value: 30, default: 30, version: 0, setAt: null });
  expect(policies.list().map(({ name }) => name)).toEqual([RETENTION]);
  expect(policies.history(RETENTION)).toEqual([]);
});

it.each([0, -1, 3_651, 1.5, Number.NaN, '90', true, null, undefined, [90]])(
  '[G7] refuses a retention of %j days',
  async (value) => {
    const { policies } = await openVillage();
    expect(() => policies.setByEmergency(king, RETENTION, value, 'now')).toThrow(
      'knowledge.retention_days must be a whole number from 1 to 3650',
    );
    expect(policies.get(RETENTION).version).toBe(0);
  },
);

it.each([1, 3_650])('[G7] takes a retention of %i days', async (value) => {
  const { policies } = await openVillage();
  expect(policies.setByEmergency(king, RETENTION, value, 'now').value).toBe(value);
});

it('[G7] refuses a policy that does not exist and names those that do', async () => {
  const { policies } = await openVillage();
  expect(() => policies.get('__proto__')).toThrow('There is no such policy; there are: knowledge.retention_days');
});

it('[G7] an approved action sets it once, and the history says by what right', async () => {
  const village = await openVillage();
  const { policies, decisions } = village;
  const { id, fence } = startedChange(village, 90);
  expect(policies.setByApproval('sage', RETENTION, 90)).toMatchObject({ value: 90, version: 1, setAt: START });
  expect(policies.setByApproval('sage', RETENTION, 90).version).toBe(1);
  decisions.recordOutcome(id, fence, 'executed', '{}');
  expect(kindOf(() => policies.setByApproval('sage', RETENTION, 90))).toBe('APPROVAL_REQUIRED');
  expect(policies.history(RETENTION)).toEqual([
    { value: 90, previous: 30, at: START, by: 'sage', authority: { kind: 'proposal', proposalId: id } },
  ]);
});

it.each([
  ['another value', sage, 91],
  ['another caller', curator, 90],
  ['the voter who approved it', king, 90],
])('[G7] an approved action does not cover %s', async (_, who, value) => {
  const village = await openVillage();
  startedChange(village, 90);
  expect(kindOf(() => village.policies.setByApproval(who.agentId, RETENTION, value))).toBe('APPROVAL_REQUIRED');
  expect(village.policies.get(RETENTION).value).toBe(30);
});

it('[G7] without a running execution nobody sets it, whatever its level', async () => {
  const { policies } = await openVillage();
  expect(kindOf(() => policies.setByApproval('king', RETENTION, 90))).toBe('APPROVAL_REQUIRED');
});

it('[G7] EMERGENCY level sets it without a vote, with a justification', async () => {
  const { policies } = await openVillage();
  expect(kindOf(() => policies.setByEmergency(caller('sage', LEVELS.GOVERNANCE), RETENTION, 90, 'now'))).toBe(
    'FORBIDDEN',
  );
  expect(kindOf(() => policies.setByEmergency(king, RETENTION, 90, ' '))).toBe('INVALID_PARAMS');
  expect(policies.setByEmergency(king, RETENTION, 7, 'The disk is full')).toMatchObject({ value: 7, version: 1 });
  expect(policies.setByEmergency(king, RETENTION, 8, 'Still full').version).toBe(2);
  expect(policies.history(RETENTION).map(({ value, previous }) => [value, previous])).toEqual([
    [7, 30],
    [8, 7],
  ]);
});
