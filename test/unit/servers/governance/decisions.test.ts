import { expect, it } from 'vitest';
import { AppError } from '../../../../shared/errors.ts';
import { LEVELS } from '../../../../shared/identity/levels.ts';
import { readVotingRules } from '../../../../shared/voting-rules.ts';
import {
  caller,
  curator,
  DAY,
  HOUR,
  king,
  magi,
  openVillage,
  payment,
  plain,
  sage,
  type Village,
} from '../../../fixtures/governance/village.ts';

/** The kind of AppError that a refusal carries, and its words. */
function refusal(attempt: () => unknown): { kind: string; text: string } {
  try {
    attempt();
  } catch (error) {
    if (error instanceof AppError) return { kind: error.kind, text: error.message };
    throw error;
  }
  throw new Error('expected a refusal, got none');
}

/** Runs `attempt`, which must be refused, and proves that nothing was written. */
function refusedWithoutTrace(village: Village, attempt: () => unknown): { kind: string; text: string } {
  const before = village.verify().events;
  const refused = refusal(attempt);
  expect(village.verify().events).toBe(before);
  return refused;
}

it.each([
  ['minor_change', [sage], 'approved'],
  ['major_change', [sage], 'open'],
  ['major_change', [sage, curator], 'approved'],
  ['critical_change', [sage, curator], 'open'],
  ['critical_change', [sage, curator, king], 'approved'],
  ['emergency_action', [king], 'approved'],
] as const)('[G1] a %s with the approvals of %j is %s', async (type, voters, status) => {
  const { decisions } = await openVillage();
  const { id } = decisions.propose(magi, plain(type));
  for (const voter of voters) decisions.vote(voter, id, 'approve', 'yes');
  expect(decisions.get(id).status).toBe(status);
});

it.each([
  ['minor_change', [sage, curator], 'open'],
  ['minor_change', [sage, curator, king], 'rejected'],
  ['major_change', [sage], 'open'],
  ['major_change', [sage, curator], 'rejected'],
  ['critical_change', [sage], 'rejected'],
  ['emergency_action', [king], 'rejected'],
] as const)(
  '[G2] a %s with the rejections of %j is %s: the others can no longer approve it',
  async (type, voters, status) => {
    const { decisions } = await openVillage();
    const { id } = decisions.propose(magi, plain(type));
    for (const voter of voters) decisions.vote(voter, id, 'reject', 'no');
    expect(decisions.get(id).status).toBe(status);
  },
);

it('[G2] counts the last vote of a voter who changed it, once', async () => {
  const { decisions } = await openVillage();
  const { id } = decisions.propose(magi, plain('critical_change'));
  for (let i = 0; i < 5; i++) decisions.vote(sage, id, 'approve', `yes ${i}`);
  expect(decisions.get(id).status).toBe('open');
  decisions.vote(curator, id, 'approve', 'yes');
  decisions.vote(curator, id, 'reject', 'on second thoughts');
  expect(decisions.get(id).status).toBe('rejected');
  expect([...decisions.get(id).votes].map(([voter, { vote }]) => [voter, vote])).toEqual([
    ['sage', 'approve'],
    ['curator', 'reject'],
  ]);
});

it('[G2] writes a repeated vote once', async () => {
  const village = await openVillage();
  const { id } = village.decisions.propose(magi, plain('major_change'));
  village.decisions.vote(sage, id, 'approve', 'yes');
  const events = village.verify().events;
  for (let i = 0; i < 50; i++) village.decisions.vote(sage, id, 'approve', 'yes');
  expect(village.verify().events).toBe(events);
});

it.each([
  ['itself', sage],
  ['itself in a second role', caller('sage', LEVELS.EMERGENCY, 'admin')],
  ['itself by a service token', { ...sage, role: 'service', tokenId: 'another' }],
])('[G5] a proposer does not approve its own proposal as %s', async (_, same) => {
  const village = await openVillage();
  const { id } = village.decisions.propose(sage, plain('minor_change'));
  const vote = refusedWithoutTrace(village, () => village.decisions.vote(same, id, 'approve', 'mine'));
  expect(vote).toMatchObject({ kind: 'FORBIDDEN', text: expect.stringContaining('You raised this proposal') });
});

it('[G5] a requester of EMERGENCY level does not override its own call', async () => {
  const village = await openVillage();
  const { decisions } = village;
  const { proposal } = decisions.requestApproval(king, payment('{}', { caller: 'king' }));
  expect(refusedWithoutTrace(village, () => decisions.override(king, proposal.id, 'approve', 'hurry')).kind).toBe(
    'FORBIDDEN',
  );
  expect(decisions.get(proposal.id).status).toBe('open');
});

it('[G5] an action is proposed only by the one it runs for', async () => {
  const village = await openVillage();
  const foreign = payment('{}', { caller: 'magi' });
  expect(refusedWithoutTrace(village, () => village.decisions.propose(sage, foreign)).kind).toBe('FORBIDDEN');
  expect(refusedWithoutTrace(village, () => village.decisions.requestApproval(sage, foreign)).kind).toBe('FORBIDDEN');
});

it('[G2] a stranger does not vote, whatever its level', async () => {
  const village = await openVillage();
  const { id } = village.decisions.propose(magi, plain('minor_change'));
  for (const stranger of [caller('oracle', LEVELS.EMERGENCY), caller('King'), caller('king '), caller('__proto__')]) {
    expect(refusedWithoutTrace(village, () => village.decisions.vote(stranger, id, 'approve', '')).kind).toBe(
      'FORBIDDEN',
    );
  }
});

it('[G1] an emergency action is not approved with a token below EMERGENCY level', async () => {
  const village = await openVillage();
  const { id } = village.decisions.propose(magi, plain('emergency_action'));
  const weakKing = caller('king', LEVELS.GOVERNANCE);
  for (const voter of [weakKing, sage]) {
    expect(refusedWithoutTrace(village, () => village.decisions.vote(voter, id, 'approve', '')).kind).toBe('FORBIDDEN');
  }
});

it.each([
  [-1_000, 'approved'],
  [-1, 'approved'],
  [0, 'expired'],
  [1_000, 'expired'],
])('[G2] a vote %i ms from the deadline finds it %s', async (offset, status) => {
  const village = await openVillage();
  const { id, deadlineAt } = village.decisions.propose(magi, plain('minor_change'));
  village.hands.wall = deadlineAt + offset;
  const vote = () => village.decisions.vote(sage, id, 'approve', 'yes');
  if (status === 'approved') expect(vote().status).toBe('approved');
  else expect(refusal(vote)).toEqual({ kind: 'CONFLICT', text: expect.stringContaining('The proposal is expired') });
  expect(village.decisions.get(id).status).toBe(status);
  expect(village.decisions.get(id).votes.size).toBe(status === 'approved' ? 1 : 0);
});

it('[G2] a deadline that was passed stays passed when the clock is set back, also after a restart', async () => {
  const village = await openVillage();
  const { id, deadlineAt } = village.decisions.propose(magi, plain('minor_change'));
  village.hands.wall = deadlineAt + 1_000;
  expect(village.decisions.list().map(({ status }) => status)).toEqual(['expired']);
  village.hands.wall = deadlineAt - HOUR;
  expect(refusal(() => village.decisions.vote(sage, id, 'approve', '')).kind).toBe('CONFLICT');
  const again = await openVillage({ dataDir: village.dataDir, start: deadlineAt - HOUR });
  expect(refusal(() => again.decisions.vote(sage, id, 'approve', '')).kind).toBe('CONFLICT');
  expect(again.decisions.get(id).status).toBe('expired');
});

it('[G2] a process whose clock is behind votes by the time that the file has seen', async () => {
  const ahead = await openVillage();
  const { id, deadlineAt } = ahead.decisions.propose(magi, plain('minor_change'));
  const behind = await openVillage({ dataDir: ahead.dataDir, start: deadlineAt - DAY });
  ahead.hands.wall = deadlineAt;
  ahead.decisions.propose(magi, plain('minor_change', 'Something else'));
  expect(refusal(() => behind.decisions.vote(sage, id, 'approve', '')).kind).toBe('CONFLICT');
});

it('[G2] silence never approves', async () => {
  const village = await openVillage();
  const { id, deadlineAt } = village.decisions.propose(magi, plain('major_change'));
  village.decisions.vote(sage, id, 'approve', 'yes');
  village.hands.wall = deadlineAt + 365 * DAY;
  expect(village.decisions.sweep()).toEqual([id]);
  expect(village.decisions.get(id)).toMatchObject({ status: 'expired', verdict: null });
});

it('[G2] no vote counts after the decision', async () => {
  const village = await openVillage();
  const { id } = village.decisions.propose(magi, plain('minor_change'));
  village.decisions.vote(sage, id, 'approve', 'yes');
  for (const voter of [sage, curator]) {
    expect(refusedWithoutTrace(village, () => village.decisions.vote(voter, id, 'reject', '')).kind).toBe('CONFLICT');
  }
  expect(refusedWithoutTrace(village, () => village.decisions.override(king, id, 'reject', 'no')).kind).toBe(
    'CONFLICT',
  );
});

it.each(['approve', 'reject'] as const)('[G3] EMERGENCY level overrides an open vote: %s', async (decision) => {
  const { decisions } = await openVillage();
  const { id } = decisions.propose(magi, plain('critical_change'));
  decisions.vote(sage, id, 'approve', 'yes');
  const after = decisions.override(king, id, decision, 'The lake is rising');
  expect(after).toMatchObject({
    status: 'overridden',
    verdict: decision === 'approve' ? 'approved' : 'rejected',
    override: { by: 'king', justification: 'The lake is rising' },
  });
});

it('[G3] an override needs EMERGENCY level and a justification', async () => {
  const village = await openVillage();
  const { id } = village.decisions.propose(magi, plain('minor_change'));
  const attempt = (who: typeof king, why: string) =>
    refusedWithoutTrace(village, () => village.decisions.override(who, id, 'approve', why)).kind;
  expect(attempt(sage, 'because')).toBe('FORBIDDEN');
  expect(attempt(king, ' \n')).toBe('INVALID_PARAMS');
});

it('[G8] a new configuration changes no vote under way, except that the loss of a voter voids it', async () => {
  const village = await openVillage();
  const { id } = village.decisions.propose(magi, plain('major_change'));
  const agents = new Map([...village.rules.voters, ['oracle', LEVELS.GOVERNANCE] as const]);
  village.rules = readVotingRules(
    { voters: ['king', 'sage', 'curator', 'oracle'], thresholds: { major_change: 4 } },
    agents,
  );
  expect(refusal(() => village.decisions.vote(caller('oracle'), id, 'approve', '')).kind).toBe('FORBIDDEN');
  village.decisions.vote(sage, id, 'approve', 'yes');
  village.rules = readVotingRules({ voters: ['king', 'curator'] });
  expect(refusal(() => village.decisions.vote(sage, id, 'reject', '')).text).toMatch(/^The proposal is void/);
  expect(village.decisions.get(id)).toMatchObject({ status: 'void', voidReason: 'sage is no longer a voter' });
});

it('[G8] the sweep finds what a new configuration voids', async () => {
  const village = await openVillage();
  const { id } = village.decisions.propose(magi, plain('major_change'));
  expect(village.decisions.sweep()).toEqual([]);
  village.rules = readVotingRules({ voters: ['king', 'curator'] });
  expect(village.decisions.sweep()).toEqual([id]);
  expect(village.decisions.sweep()).toEqual([]);
});

it('[G1] bad input is a clear error and leaves nothing behind', async () => {
  const village = await openVillage();
  const { decisions } = village;
  const attempt = (work: () => unknown) => refusedWithoutTrace(village, work);
  expect(attempt(() => decisions.get('nothing')).text).toMatch(/Unknown proposal/);
  expect(attempt(() => decisions.vote(sage, 'policy:knowledge.retention_days', 'approve', '')).text).toMatch(
    /Unknown proposal/,
  );
  const huge = { ...plain('minor_change'), description: 'x'.repeat(1_048_576) };
  expect(attempt(() => decisions.propose(magi, huge))).toEqual({
    kind: 'INVALID_PARAMS',
    text: expect.stringMatching(/description.*10000/),
  });
  expect(attempt(() => decisions.propose(magi, plain('minor_change', '  '))).text).toMatch(/title: expected a title/);
  expect(attempt(() => decisions.propose(king, plain('emergency_action'))).text).toMatch(/a proposer never votes/);
});

it('[G1] one proposer has a bounded number of open proposals', async () => {
  const village = await openVillage({ rules: readVotingRules({ max_open_per_proposer: 2 }) });
  village.decisions.propose(magi, plain('minor_change'));
  const { id } = village.decisions.propose(magi, plain('minor_change'));
  const again = () => village.decisions.propose(magi, plain('minor_change'));
  expect(refusedWithoutTrace(village, again).kind).toBe('RATE_LIMITED');
  village.decisions.vote(sage, id, 'approve', '');
  expect(again().status).toBe('open');
});

it('[G6] lists newest first, page by page, by status', async () => {
  const { decisions } = await openVillage();
  const ids = ['a', 'b', 'c', 'd'].map((title) => decisions.propose(magi, plain('minor_change', title)).id);
  decisions.vote(sage, ids[1]!, 'approve', '');
  const titles = (options?: Parameters<typeof decisions.list>[0]) => decisions.list(options).map(({ title }) => title);
  expect(titles()).toEqual(['d', 'c', 'b', 'a']);
  expect(titles({ limit: 2 })).toEqual(['d', 'c']);
  expect(titles({ before: ids[2]!, limit: 2 })).toEqual(['b', 'a']);
  expect(titles({ status: 'open', before: ids[2]! })).toEqual(['a']);
  expect(titles({ status: 'approved' })).toEqual(['b']);
});
