import { afterAll, beforeAll, expect, it } from 'vitest';
import { approvalOf, type Governed, startGoverned, structured, untilStatus, vote } from '../lib/governed.ts';
import { type RawSession, textOf } from '../lib/raw-client.ts';

let governed: Governed;
let sage: RawSession;
let magi: RawSession;

beforeAll(async () => {
  governed = await startGoverned();
  [sage, magi] = await Promise.all([governed.as('sage'), governed.as('magi')]);
});
afterAll(() => governed.remove());

it('[G5] [G4] parks a gated call, runs it once when it is approved, and gives its stored result when asked again', async () => {
  const asked = await magi.call('ledger__append', { key: 'walk' });
  const approval = approvalOf(asked);
  expect(approval).toMatchObject({ status: 'voting_ongoing', expiresAt: expect.stringMatching(/^\d{4}-.*Z$/) });
  expect(asked.result?.isError).toBe(true);
  expect(textOf(asked)).toContain(approval.proposalId);
  expect(textOf(asked)).toContain('has not run');
  expect(governed.lines()).toEqual([]);
  expect(approvalOf(await magi.call('ledger__append', { key: 'walk' }))).toEqual(approval);

  expect(structured(await vote(sage, approval.proposalId))).toMatchObject({ proposal_status: 'approved' });
  await untilStatus(sage, approval.proposalId, 'executed');
  expect(governed.lines()).toEqual(['walk']);
  const again = await magi.call('ledger__append', { key: 'walk' });
  expect(again.result).toEqual({ content: [{ type: 'text', text: 'written' }] });
  expect(governed.lines()).toEqual(['walk']);
});
