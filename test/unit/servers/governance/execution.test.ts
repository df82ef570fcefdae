import { expect, it } from 'vitest';
import { readVotingRules } from '../../../../shared/voting-rules.ts';
import {
  curator,
  DAY,
  HOUR,
  kindOf,
  king,
  magi,
  openVillage,
  payment,
  sage,
  type Village,
} from '../../../fixtures/governance/village.ts';

const TEN = '{"to":"x","amount":10}';

/** A payment that was asked for and approved. */
function approved({ decisions }: Village, text = TEN) {
  const { proposal } = decisions.requestApproval(magi, payment(text));
  return decisions.vote(sage, proposal.id, 'approve', 'yes');
}

it('[G4] an approved action starts once, keeps its outcome and never starts again', async () => {
  const village = await openVillage();
  const { decisions } = village;
  const { id, action } = approved(village);
  expect(decisions.runnable().map((p) => p.id)).toEqual([id]);
  const started = decisions.claimExecution(id, action!.binding);
  expect(started.action.argumentsText).toBe(TEN);
  expect(decisions.runnable()).toEqual([]);
  expect(kindOf(() => decisions.claimExecution(id, action!.binding))).toBe('CONFLICT');
  const result = '{"content":[{"type":"text","text":"paid 9007199254740993"}]}';
  expect(decisions.recordOutcome(id, started.fence, 'executed', result)).toMatchObject({
    status: 'executed',
    result: { text: result },
  });
  expect(kindOf(() => decisions.claimExecution(id, action!.binding))).toBe('CONFLICT');
  expect(kindOf(() => decisions.recordOutcome(id, started.fence, 'failed', ''))).toBe('CONFLICT');
});

it('[G4] an outcome is taken from the running execution only', async () => {
  const village = await openVillage();
  const first = approved(village);
  const { fence } = village.decisions.claimExecution(first.id, first.action!.binding);
  expect(kindOf(() => village.decisions.recordOutcome(first.id, fence - 1, 'executed', ''))).toBe('CONFLICT');
  expect(kindOf(() => village.decisions.recordOutcome(first.id, fence + 1, 'executed', ''))).toBe('CONFLICT');
  expect(village.decisions.get(first.id).status).toBe('executing');
});

it('[G4] a result above the bound is kept as digest and size', async () => {
  const village = await openVillage();
  const { id, action } = approved(village);
  const { fence } = village.decisions.claimExecution(id, action!.binding);
  const { result } = village.decisions.recordOutcome(id, fence, 'executed', 'ä'.repeat(1_048_577));
  expect(result).toMatchObject({ text: null, bytes: 2_097_154 });
});

it.each(['open', 'rejected', 'expired', 'void', 'overridden'] as const)(
  '[G4] a proposal that is %s does not start',
  async (status) => {
    const village = await openVillage();
    const { decisions } = village;
    const { proposal } = decisions.requestApproval(magi, payment(TEN, {}, 'critical_change'));
    if (status === 'rejected') decisions.vote(sage, proposal.id, 'reject', '');
    if (status === 'expired') village.hands.wall += DAY;
    if (status === 'void') decisions.void(proposal.id, 'its tool is gone');
    if (status === 'overridden') decisions.override(king, proposal.id, 'reject', 'no');
    expect(decisions.get(proposal.id).status).toBe(status);
    expect(kindOf(() => decisions.claimExecution(proposal.id, proposal.action!.binding))).toBe('CONFLICT');
  },
);

it('[G3] an overridden vote for it lets its action start', async () => {
  const village = await openVillage();
  const { proposal } = village.decisions.requestApproval(magi, payment(TEN, {}, 'critical_change'));
  village.decisions.override(king, proposal.id, 'approve', 'now');
  expect(village.decisions.claimExecution(proposal.id, proposal.action!.binding).proposal.status).toBe('executing');
});

it('[G4] an approval that nobody starts in time lapses', async () => {
  const village = await openVillage();
  const { id, action } = approved(village);
  village.hands.wall += DAY;
  expect(village.decisions.sweep()).toEqual([id]);
  expect(village.decisions.get(id).status).toBe('void');
  expect(kindOf(() => village.decisions.claimExecution(id, action!.binding))).toBe('CONFLICT');
});

it.each([
  ['definitionDigest', 'definition-2'],
  ['matrixVersion', 'matrix-2'],
  ['argumentsDigest', 'other'],
  ['caller', 'oracle'],
  ['serverId', 'ledger2'],
  ['tool', 'pay2'],
] as const)('[G5] a changed %s between approval and start voids the approval', async (field, value) => {
  const village = await openVillage();
  const { id, action } = approved(village);
  expect(kindOf(() => village.decisions.claimExecution(id, { ...action!.binding, [field]: value }))).toBe('CONFLICT');
  expect(village.decisions.get(id).status).toBe('void');
  expect(kindOf(() => village.decisions.claimExecution(id, action!.binding))).toBe('CONFLICT');
});

it('[G5] the same call asked again has the same proposal, through all its states', async () => {
  const village = await openVillage();
  const { decisions } = village;
  const ask = (text = TEN) => decisions.requestApproval(magi, payment(text));
  const { proposal, isNew } = ask();
  expect(isNew).toBe(true);
  expect(ask('{ "amount": 1e1, "to": "x" }')).toMatchObject({
    isNew: false,
    proposal: { id: proposal.id, status: 'open' },
  });
  decisions.vote(sage, proposal.id, 'approve', '');
  expect(ask().proposal).toMatchObject({ id: proposal.id, status: 'approved' });
  const { fence } = decisions.claimExecution(proposal.id, proposal.action!.binding);
  expect(ask().proposal).toMatchObject({ id: proposal.id, status: 'executing' });
  decisions.recordOutcome(proposal.id, fence, 'executed', '{"content":[]}');
  expect(ask().proposal).toMatchObject({ id: proposal.id, status: 'executed', result: { text: '{"content":[]}' } });
  village.hands.wall += DAY;
  expect(ask()).toMatchObject({ isNew: true });
});

it('[G5] a rejected call is not asked again at once', async () => {
  const village = await openVillage();
  const ask = () => village.decisions.requestApproval(magi, payment(TEN));
  const { proposal } = ask();
  for (const voter of [king, sage, curator]) village.decisions.vote(voter, proposal.id, 'reject', 'no');
  expect(ask()).toMatchObject({ isNew: false, proposal: { status: 'rejected' } });
  village.hands.wall += DAY;
  expect(ask().isNew).toBe(true);
});

it('[G5] an expired call may be asked again', async () => {
  const village = await openVillage();
  const ask = () => village.decisions.requestApproval(magi, payment(TEN));
  const { proposal } = ask();
  village.hands.wall += DAY;
  const again = ask();
  expect(again.isNew).toBe(true);
  expect(village.decisions.get(proposal.id).status).toBe('expired');
});

it.each([
  ['another amount', '{"to":"x","amount":1000}', {}],
  ['a text for a number', '{"to":"x","amount":"10"}', {}],
  ['an unknown key more', '{"to":"x","amount":10,"note":""}', {}],
  ['a default left out', '{"to":"x"}', {}],
  ['a look-alike letter', '{"to":"х","amount":10}', {}],
  ['another server with the same tool', TEN, { serverId: 'ledger2' }],
])('[G5] an approval does not cover a call with %s', async (_, text, changed) => {
  const village = await openVillage();
  const { id } = approved(village);
  const other = village.decisions.requestApproval(magi, payment(text, changed));
  expect(other).toMatchObject({ isNew: true, proposal: { status: 'open' } });
  expect(village.decisions.get(id).status).toBe('approved');
});

it('[G5] an approval does not cover the same call of another requester', async () => {
  const village = await openVillage();
  approved(village);
  const other = village.decisions.requestApproval(curator, payment(TEN, { caller: 'curator' }));
  expect(other).toMatchObject({ isNew: true, proposal: { status: 'open', proposer: 'curator' } });
});

it.each([{ definitionDigest: 'definition-2' }, { matrixVersion: 'matrix-2' }])(
  '[G5] asking again after %j voids the old proposal and opens another',
  async (changed) => {
    const village = await openVillage();
    const { id } = approved(village);
    const again = village.decisions.requestApproval(magi, payment(TEN, changed));
    expect(again).toMatchObject({ isNew: true, proposal: { status: 'open' } });
    expect(village.decisions.get(id).status).toBe('void');
    expect(village.decisions.runnable()).toEqual([]);
  },
);

it('[G4] nothing is started beside an execution whose outcome is open, even when the definition changed', async () => {
  const village = await openVillage();
  const { id, action } = approved(village);
  village.decisions.claimExecution(id, action!.binding);
  const again = village.decisions.requestApproval(magi, payment(TEN, { definitionDigest: 'definition-2' }));
  expect(again).toMatchObject({ isNew: false, proposal: { id, status: 'executing' } });
});

it('[G1] a call that waits already is not proposed a second time', async () => {
  const { decisions } = await openVillage();
  decisions.propose(magi, payment(TEN));
  expect(kindOf(() => decisions.propose(magi, payment(TEN)))).toBe('CONFLICT');
});

it('[G4] an execution whose process is gone is outcome_unknown until a voter settles it', async () => {
  const first = await openVillage();
  const { id, action } = approved(first);
  first.decisions.claimExecution(id, action!.binding);
  const second = await openVillage({ dataDir: first.dataDir });
  expect(second.decisions.sweep()).toEqual([]);
  expect(second.decisions.get(id).status).toBe('executing');
  await first.close();
  expect(second.decisions.sweep()).toEqual([id]);
  expect(second.decisions.get(id).status).toBe('outcome_unknown');
  expect(kindOf(() => second.decisions.claimExecution(id, action!.binding))).toBe('CONFLICT');
  expect(second.decisions.requestApproval(magi, payment(TEN))).toMatchObject({ isNew: false, proposal: { id } });

  const settle =
    (who: typeof king, why = 'It is in the ledger') =>
    () =>
      second.decisions.resolveUnknown(who, id, 'executed', why);
  expect(kindOf(settle(magi))).toBe('FORBIDDEN');
  expect(kindOf(settle({ ...magi, agentId: 'oracle' }))).toBe('FORBIDDEN');
  expect(kindOf(settle(curator, ' '))).toBe('INVALID_PARAMS');
  expect(settle(curator)()).toMatchObject({ status: 'executed', resolution: { by: 'curator' } });
  expect(kindOf(settle(king))).toBe('CONFLICT');
});

it('[G4] the owner may still say how it ended, until a voter has', async () => {
  const first = await openVillage();
  const { id, action } = approved(first);
  const { fence } = first.decisions.claimExecution(id, action!.binding);
  const second = await openVillage({ dataDir: first.dataDir });
  await first.close();
  second.decisions.sweep();
  expect(second.decisions.recordOutcome(id, fence, 'failed', '{}')).toMatchObject({ status: 'failed' });
});

it('[G4] a started action outlives its windows: time does not end an execution', async () => {
  const village = await openVillage({ rules: readVotingRules({ execution_window_hours: 1 }) });
  const { id, action } = approved(village);
  village.decisions.claimExecution(id, action!.binding);
  village.hands.wall += 48 * HOUR;
  expect(village.decisions.sweep()).toEqual([]);
  expect(village.decisions.get(id).status).toBe('executing');
});

it('[G4] a voter does not settle the lost outcome of its own call', async () => {
  const first = await openVillage();
  const { proposal } = first.decisions.requestApproval(sage, payment(TEN, { caller: 'sage' }));
  first.decisions.vote(curator, proposal.id, 'approve', 'yes');
  const { fence } = first.decisions.claimExecution(proposal.id, proposal.action!.binding);
  first.decisions.recordLost(proposal.id, fence, 'No answer came');
  const settle = (who: typeof sage) => () => first.decisions.resolveUnknown(who, proposal.id, 'executed', 'I saw it');
  expect(kindOf(settle(sage))).toBe('FORBIDDEN');
  expect(settle(king)()).toMatchObject({ status: 'executed', lost: 'No answer came', resolution: { by: 'king' } });
});

it('[G5] the same call asked through two processes at once is one proposal', async () => {
  const here = await openVillage();
  const there = await openVillage({ dataDir: here.dataDir });
  const first = here.decisions.requestApproval(magi, payment(TEN));
  const second = there.decisions.requestApproval(magi, payment(TEN));
  expect([first.isNew, second.isNew]).toEqual([true, false]);
  expect(second.proposal.id).toBe(first.proposal.id);
});
