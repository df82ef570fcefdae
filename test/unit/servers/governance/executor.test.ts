import { expect, it } from 'vitest';
import type { Actions, CallEnd } from '../../../../servers/governance/actions.ts';
import { startExecutor } from '../../../../servers/governance/executor.ts';
import { AppError, type ErrorKindName } from '../../../../shared/errors.ts';
import type { Log } from '../../../../shared/log.ts';
import {
  king,
  magi,
  openVillage,
  payment,
  sage,
  tempFolder,
  type Village,
} from '../../../fixtures/governance/village.ts';

const silent: Log = { debug() {}, info() {}, warn() {}, error() {} };
const done: CallEnd = { outcome: 'executed', resultText: '{"content":[]}' };

/** A ledger of the calls that were made, and what each does. */
function recorder(call: () => Promise<CallEnd> = async () => done, rebind?: Actions['rebind']) {
  const calls: string[] = [];
  const actions: Actions = {
    bind: async () => payment('{}').action,
    rebind: rebind ?? (async (action) => action.binding),
    call(started) {
      calls.push(started.action.argumentsText);
      return call();
    },
  };
  return { calls, actions };
}

function start(village: Village, actions: Actions) {
  return startExecutor({ decisions: village.decisions, changes: village.changes, actions, log: silent });
}

it('[G4] runs an approved action at once and keeps its result', async () => {
  const village = await openVillage();
  const { calls, actions } = recorder();
  const executor = start(village, actions);
  const text = '{"amount":10.0,"to":"x"}';
  const { proposal } = village.decisions.requestApproval(magi, payment(text));
  expect(calls).toEqual([]);
  village.decisions.vote(sage, proposal.id, 'approve', 'yes');
  await new Promise<void>((resolve) => village.changes.onChange(({ event }) => event.type === 'finished' && resolve()));
  expect(calls).toEqual([text]);
  expect(village.decisions.get(proposal.id)).toMatchObject({ status: 'executed', result: { text: done.resultText } });
  await executor.stop();
});

it('[G4] runs after a restart what was approved before it, once, with two executors on the file', async () => {
  const dataDir = tempFolder();
  const before = await openVillage({ dataDir });
  const { proposal } = before.decisions.requestApproval(magi, payment('{}'));
  before.decisions.override(king, proposal.id, 'approve', 'now');
  await before.close();
  const { calls, actions } = recorder();
  const executors = [await openVillage({ dataDir }), await openVillage({ dataDir })].map((one) => start(one, actions));
  for (let i = 0; i < 3; i++) for (const executor of executors) executor.look();
  const after = await openVillage({ dataDir });
  await Promise.all(executors.map((executor) => executor.stop()));
  expect(calls).toEqual(['{}']);
  expect(after.decisions.get(proposal.id).status).toBe('executed');
});

it.each<[ErrorKindName | 'other', string]>([
  ['UNKNOWN_NAME', 'failed'],
  ['EMERGENCY_STOP', 'failed'],
  ['UPSTREAM_UNAVAILABLE', 'failed'],
  ['TIMEOUT', 'outcome_unknown'],
  ['CONNECTION_LOST', 'outcome_unknown'],
  ['OUTCOME_UNKNOWN', 'outcome_unknown'],
  ['INTERNAL', 'outcome_unknown'],
  ['other', 'outcome_unknown'],
])('[G4] a call that ends in %s is %s, and is not repeated', async (kind, status) => {
  const village = await openVillage();
  const { calls, actions } = recorder(async () => {
    throw kind === 'other' ? new Error('on purpose') : new AppError(kind);
  });
  const { proposal } = village.decisions.requestApproval(magi, payment('{}'));
  village.decisions.vote(sage, proposal.id, 'approve', 'yes');
  const executor = start(village, actions);
  const ended = new Promise<void>((resolve) =>
    village.changes.onChange(({ event }) => (event.type === 'finished' || event.type === 'outcome_lost') && resolve()),
  );
  executor.look();
  await ended;
  executor.look();
  await executor.stop();
  expect(village.decisions.get(proposal.id).status).toBe(status);
  expect(calls.length).toBe(1);
});

it.each([
  [
    'whose definition changed',
    async (action: Parameters<Actions['rebind']>[0]) => ({ ...action.binding, definitionDigest: 'other' }),
  ],
  [
    'that the proposer may not use any more',
    async () => {
      throw new AppError('UNKNOWN_NAME', { text: 'Unknown tool: ledger__pay' });
    },
  ],
])('[G5] does not call a tool %s: the approval is void', async (_, rebind) => {
  const village = await openVillage();
  const { calls, actions } = recorder(undefined, rebind);
  const { proposal } = village.decisions.requestApproval(magi, payment('{}'));
  village.decisions.vote(sage, proposal.id, 'approve', 'yes');
  const executor = start(village, actions);
  const ended = new Promise<void>((resolve) =>
    village.changes.onChange(({ event }) => event.type === 'voided' && resolve()),
  );
  executor.look();
  await ended;
  await executor.stop();
  expect(village.decisions.get(proposal.id).status).toBe('void');
  expect(calls).toEqual([]);
});

it('[G4] starts nothing once it is stopped', async () => {
  const village = await openVillage();
  const { calls, actions } = recorder();
  const executor = start(village, actions);
  await executor.stop();
  const { proposal } = village.decisions.requestApproval(magi, payment('{}'));
  village.decisions.vote(sage, proposal.id, 'approve', 'yes');
  executor.look();
  await executor.stop();
  expect(calls).toEqual([]);
  expect(village.decisions.get(proposal.id).status).toBe('approved');
});
