import { randomUUID } from 'node:crypto';
import fs from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import {
  approvalOf,
  type Governed,
  governedConfig,
  startGoverned,
  structured,
  until,
  untilStatus,
  vote,
} from '../lib/governed.ts';
import { RawSession, textOf } from '../lib/raw-client.ts';
import { fixture, tokenFor, Village } from '../lib/village.ts';

/** 3 s: long enough to vote in, on a machine that is busy. */
const DEADLINE_MS = 3_000;
const MORE = {
  mcpServers: { mut: fixture('mutate.ts') },
  permissions: [
    { match: 'mut/target', level: 'OPERATOR', approval: 'minor_change' },
    { match: 'mut/*', level: 'OPERATOR' },
  ],
};
const EMERGENCY_ROW = { match: 'service_status', level: 'OPERATOR' };

let governed: Governed;
let king: RawSession;
let sage: RawSession;
let magi: RawSession;

beforeAll(async () => {
  governed = await startGoverned(MORE);
  [king, sage, magi] = (await Promise.all((['king', 'sage', 'magi'] as const).map((name) => governed.as(name)))) as [
    RawSession,
    RawSession,
    RawSession,
  ];
  await until('mut is listed', async () => (await magi.names()).includes('mut__target'));
});
afterAll(() => governed.remove());

/** The configuration with one change, in force everywhere when this returns. */
async function votersOf(proposalId: string): Promise<string[]> {
  const { proposal } = structured(await sage.call('governance_status', { proposal_id: proposalId }));
  return (proposal as { voters: string[] }).voters;
}

async function reconfigure(change: Record<string, unknown>): Promise<void> {
  const records = async () => (await governed.village.audit()).filter(({ kind }) => kind === 'config_changed').length;
  const before = await records();
  governed.village.reconfigure({ ...governedConfig(governed.ledger, MORE), ...change });
  await until('the configuration is in force', async () => (await records()) > before);
}

it('[G5] G03: a definition that changed takes the approval back: the call does not run, and asks for a new vote', async () => {
  const { proposalId } = approvalOf(await magi.call('mut__target', { a: 1, b: 2 }));
  await magi.call('mut__mutate', { field: 'description', times: 1 });
  await until('the changed tool is withheld', async () => !(await magi.names()).includes('mut__target'));
  expect(structured(await vote(sage, proposalId))).toMatchObject({ proposal_status: 'approved' });
  await untilStatus(sage, proposalId, 'void');
  const { stdout } = await governed.village.cli('definitions', 'list', '--json');
  const [{ digest } = { digest: '' }] = JSON.parse(stdout) as { digest: string }[];
  expect((await governed.village.cli('definitions', 'approve', 'mut', 'target', digest)).code).toBe(0);
  await until('it is listed again', async () => (await magi.names()).includes('mut__target'));
  const again = approvalOf(await magi.call('mut__target', { a: 1, b: 2 }));
  expect(again.proposalId).not.toBe(proposalId);
  expect(again.status).toBe('voting_ongoing');
});

it('[G5] [M5] a changed row takes approvals under it back; a change elsewhere in the matrix does not', async () => {
  const kept = approvalOf(await magi.call('ledger__append', { key: 'kept' })).proposalId;
  const gone = approvalOf(await magi.call('mut__target', { a: 7 })).proposalId;
  const { permissions = [] } = governedConfig(governed.ledger, MORE);
  const stricter = permissions.map((row) =>
    (row as { match: string }).match === 'mut/target' ? { ...(row as object), level: 'COORDINATOR' } : row,
  );
  await reconfigure({ permissions: [...stricter, EMERGENCY_ROW] });
  await vote(sage, gone);
  await untilStatus(sage, gone, 'void');
  await vote(sage, kept);
  await untilStatus(sage, kept, 'executed');
  expect(governed.lines().filter((line) => line === 'kept')).toHaveLength(1);
});

it('[G5] [A2] a requester whose token was revoked meanwhile has nothing run in its name', async () => {
  const jti = randomUUID();
  const session = await governed.as('magi', { jti });
  const { proposalId } = approvalOf(await session.call('ledger__append', { key: 'revoked' }));
  expect((await governed.village.cli('token', 'revoke', jti)).code).toBe(0);
  await until('it is revoked', async () => (await session.post({})).status === 401);
  await vote(sage, proposalId);
  await untilStatus(sage, proposalId, 'failed');
  expect(governed.lines()).not.toContain('revoked');
});

it('[G5] [G4] an approval outlives the token of its requester, if nobody revoked it', async () => {
  // 30 s of leeway: it holds for five seconds more.
  const now = Math.floor(Date.now() / 1000);
  const session = await governed.as('magi', { iat: now - 60, exp: now - 25 });
  const { proposalId } = approvalOf(await session.call('ledger__append', { key: 'outlived' }));
  await until('it expired', async () => (await session.post({})).status === 401);
  await vote(sage, proposalId);
  await untilStatus(sage, proposalId, 'executed');
  expect(governed.lines()).toContain('outlived');
});

it('[G4] [E2] [E3] an approved action obeys the emergency stop, and does not run when that is ended', async () => {
  const { proposalId } = approvalOf(await magi.call('ledger__append', { key: 'stopped' }));
  await king.call('emergency_system_shutdown', { scope: 'tool:ledger__append', reason: 'the ledger is wet' });
  await vote(sage, proposalId);
  await untilStatus(sage, proposalId, 'void');
  await king.call('emergency_system_resume', { justification: 'dry again' });
  // What is approved after it runs, and with it would have run whatever waited.
  const later = approvalOf(await magi.call('ledger__append', { key: 'later' })).proposalId;
  await vote(sage, later);
  await untilStatus(sage, later, 'executed');
  expect(governed.lines()).toContain('later');
  expect(governed.lines()).not.toContain('stopped');
});

it('[G2] G01: a vote before the deadline counts, one after it does not, and the proposal is expired for good', async () => {
  await reconfigure({ governance: { deadline_hours: DEADLINE_MS / 3_600_000 } });
  const { proposalId, expiresAt } = approvalOf(await magi.call('ledger__get', {}));
  const deadline = Date.parse(String(expiresAt));
  await until('a second is left', () => Date.now() >= deadline - 1_000);
  expect(structured(await vote(sage, proposalId))).toMatchObject({ votes_needed: 1 });
  await until('the deadline', () => Date.now() >= deadline);
  for (const late of [0, 1_000]) {
    await until('late', () => Date.now() >= deadline + late);
    const answer = await vote(king, proposalId);
    expect(textOf(answer)).toMatch(/is expired/);
  }
  expect(approvalOf(await magi.call('ledger__get', {})).proposalId).not.toBe(proposalId);
  await reconfigure({});
});

it('[G8] voters and thresholds follow the configuration: who is no voter any more ends what it was to decide', async () => {
  const open = approvalOf(await magi.call('ledger__append', { key: 'voters' })).proposalId;
  await reconfigure({ governance: { voters: ['king', 'alice'], thresholds: { minor_change: 2 } } });
  await untilStatus(sage, open, 'void');
  const next = approvalOf(await magi.call('ledger__append', { key: 'voters' })).proposalId;
  expect((await vote(sage, next)).result?.isError).toBe(true);
  expect(structured(await vote(king, next))).toMatchObject({ votes_needed: 1 });
  expect(structured(await vote(await governed.as('alice'), next))).toMatchObject({ final_result: 'approved' });
  await untilStatus(sage, next, 'executed');
  await reconfigure({});
  // The governance server follows the file by itself.
  let tries = 0;
  await until('the voters are the old ones', async () => {
    const { proposalId } = approvalOf(await magi.call('ledger__append', { key: `voters ${tries++}` }));
    return (await votersOf(proposalId)).includes('curator');
  });
});

it('[G8] [X1] impossible voting rules are refused with their place; a router that runs keeps what it has', async () => {
  const governance = { voters: ['king', 'ghost'], thresholds: { major_change: 3 } };
  governed.village.reconfigure({ ...governedConfig(governed.ledger, MORE), governance });
  await until('it is refused', () => governed.village.stderr().includes('the changed configuration is not used'));
  const { code, stderr } = await governed.village.cli('explain', '--all');
  expect(code).toBe(2);
  expect(stderr).toMatch(/mcp-servers\.json:\d+:\d+.*"ghost" is no configured agent; add it to "agents"/);
  const { proposalId } = approvalOf(await magi.call('ledger__append', { key: 'rules stay' }));
  expect(await votersOf(proposalId)).toEqual(['king', 'sage', 'curator']);
  await reconfigure({});
});

it('[G5] without a governance server a gated call is refused, and nothing runs; so is one that is no call of a tool', async () => {
  const { mcpServers, ...rest } = governedConfig(governed.ledger, {});
  const { governance: _, ...servers } = mcpServers as Record<string, unknown>;
  const permissions = [
    ...(rest.permissions ?? []),
    { match: 'resource:note://*', level: 'OPERATOR', approval: 'minor_change' },
  ];
  const village = await Village.start({ config: { ...rest, mcpServers: servers, permissions } });
  try {
    const session = await RawSession.open(village.url, tokenFor('magi', { governance_level: 'COORDINATOR' }));
    await until('it is listed', async () => (await session.names()).includes('ledger__append'));
    const refused = await session.call('ledger__append', { key: 'ungoverned' });
    expect(refused.error).toMatchObject({ code: -32004, data: { reason: 'APPROVAL_REQUIRED' } });
    expect(refused.error?.message).toMatch(/no governance server answers/);
    const note = await session.request('resources/read', { uri: 'note://bob' });
    expect(note.error).toMatchObject({
      code: -32004,
      message: expect.stringMatching(/Only calls of tools are put to the vote/),
    });
    expect(fs.readFileSync(governed.ledger, 'utf8')).not.toContain('ungoverned');
  } finally {
    await village.remove();
  }
});

it('[G5] while the governance server is away, gated calls are refused, others run, and the stop works', async () => {
  const pid = structured(await king.call('service_status', { id: 'governance' }));
  expect(pid.state).toBe('ready');
  await king.call('emergency_system_shutdown', { scope: 'server:governance', reason: 'it lies' });
  const refused = await magi.call('ledger__append', { key: 'headless' });
  expect(['EMERGENCY_STOP', 'APPROVAL_REQUIRED']).toContain(refused.error?.data?.reason);
  expect((await magi.call('free__echo', { text: 'fine' })).error).toBeUndefined();
  await king.call('emergency_system_resume', { justification: 'it does not' });
  await until(
    'it votes again',
    async () => (await magi.call('ledger__append', { key: 'headless' })).error === undefined,
  );
  expect(governed.lines()).not.toContain('headless');
});
