import { expect, it } from 'vitest';
import { electorateFor } from '../../../../servers/governance/voters.ts';
import { LEVELS, type Level } from '../../../../shared/identity/levels.ts';
import { readVotingRules, VotingRulesError } from '../../../../shared/voting-rules.ts';

const agents = new Map<string, Level>([
  ['king', LEVELS.EMERGENCY],
  ['sage', LEVELS.GOVERNANCE],
  ['curator', LEVELS.GOVERNANCE],
]);

it('[G8] has king, sage and curator vote when nothing is configured', () => {
  const rules = readVotingRules(undefined);
  expect([...rules.voters.keys()]).toEqual(['king', 'sage', 'curator']);
  expect(rules.deadlineMs).toBe(24 * 3_600_000);
  expect(rules.thresholds).toEqual({ minor_change: 1, major_change: 2, critical_change: 'all', emergency_action: 1 });
});

it.each([
  ['no voters', { voters: [] }, /no voter is named; name at least one/],
  [
    'more approvals than voters',
    { thresholds: { major_change: 4 } },
    /major_change: 4 approvals can never come from 3 voters; lower it/,
  ],
  ['no approvals', { thresholds: { minor_change: 0 } }, /minor_change: expected "all" or a whole number from 1/],
  ['half an approval', { thresholds: { minor_change: 1.5 } }, /minor_change: expected "all"/],
  ['an unknown agent', { voters: ['king', 'ghost'] }, /"ghost" is no configured agent; add it to "agents"/],
  ['one voter twice', { voters: ['king', 'king'] }, /one name to a reader/],
  ['two spellings of one name', { voters: ['king', 'King'] }, /"King" and "king" are one name/],
  ['a look-alike outside ASCII', { voters: ['king', 'sаge'] }, /expected an agent id of visible ASCII/],
  [
    'nobody at EMERGENCY level',
    { voters: ['sage', 'curator'] },
    /emergency_action: there are no voters of level EMERGENCY/,
  ],
  [
    'more emergency approvals than EMERGENCY voters',
    { thresholds: { emergency_action: 2 } },
    /2 approvals can never come from 1 voters of level EMERGENCY/,
  ],
  ['a deadline of nothing', { deadline_hours: 0 }, /deadline_hours/],
  ['an unknown setting', { treshold: 1 }, /treshold/],
])('[G8] refuses a configuration with %s and says what to do', (_, section, expected) => {
  expect(() => readVotingRules(section, agents)).toThrow(VotingRulesError);
  expect(() => readVotingRules(section, agents)).toThrow(expected);
});

it('[G8] reports all mistakes together', () => {
  const mistaken = () => readVotingRules({ thresholds: { minor_change: 9, major_change: 8 } }, agents);
  expect(mistaken).toThrow(/minor_change: 9[\s\S]*major_change: 8/);
});

it.each([
  ['major_change', 'magi', ['king', 'sage', 'curator'], 2],
  ['major_change', 'sage', ['king', 'curator'], 2],
  ['critical_change', 'magi', ['king', 'sage', 'curator'], 3],
  ['critical_change', 'sage', ['king', 'curator'], 2],
  ['emergency_action', 'sage', ['king'], 1],
] as const)('[G1] asks for a %s of %s the votes of %j, %i of them', (type, proposer, voters, threshold) => {
  expect(electorateFor(type, proposer, readVotingRules(undefined))).toMatchObject({ voters, threshold });
});

it('[G1] refuses a proposal that nobody but its proposer could approve', () => {
  const rules = readVotingRules(undefined);
  expect(() => electorateFor('emergency_action', 'king', rules)).toThrow(/without you 0 voters of level EMERGENCY/);
  const alone = readVotingRules({ voters: ['king'], thresholds: { major_change: 1 } }, agents);
  expect(() => electorateFor('critical_change', 'king', alone)).toThrow(/a proposer never votes/);
});
