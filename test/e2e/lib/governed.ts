/** A village with the governance server, voters, and a ledger whose `append` needs a vote: what the tests of approvals share. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { type JsonRpc, RawSession } from './raw-client.ts';
import { fixture, LAUNCHER, type StartOptions, tokenFor, Village, type VillageConfig } from './village.ts';

const GOVERNANCE = { command: 'node', args: [LAUNCHER, 'serve', 'governance'] };

const AGENTS = {
  king: { level: 'EMERGENCY', role: 'admin' },
  sage: { level: 'GOVERNANCE', role: 'admin' },
  curator: { level: 'GOVERNANCE', role: 'admin' },
  magi: { level: 'COORDINATOR', role: 'developer' },
  alice: { level: 'OPERATOR', role: 'developer' },
} as const;
export type Agent = keyof typeof AGENTS;

export interface Governed {
  village: Village;
  readonly ledger: string;
  /** Lines of the ledger so far: what really ran. */
  lines(): string[];
  as(agent: Agent, claims?: Record<string, unknown>): Promise<RawSession>;
  /** Ends it with the folder of the ledger. */
  remove(): Promise<void>;
}

/** `ledger/append` needs a minor_change, `ledger/get` and `ledger/sleep` a major one; `free` has the same tools without a vote. */
export function governedConfig(ledger: string, more: VillageConfig = {}): VillageConfig {
  return {
    ...more,
    mcpServers: {
      governance: GOVERNANCE,
      ledger: fixture('tools.ts', '--ledger', ledger),
      free: fixture('tools.ts', '--ledger', ledger),
      ...more.mcpServers,
    },
    agents: AGENTS,
    permissions: [
      { match: 'ledger/append*', level: 'OPERATOR', approval: 'minor_change' },
      { match: 'ledger/sleep', level: 'OPERATOR', approval: 'minor_change' },
      { match: 'ledger/get', level: 'OPERATOR', approval: 'major_change' },
      { match: 'ledger/echo', level: 'OPERATOR', approval: 'minor_change' },
      { match: 'free/*', level: 'OPERATOR' },
      { match: 'free/get', level: 'GOVERNANCE' },
      ...(more.permissions ?? []),
    ],
  };
}

export async function startGoverned(more: VillageConfig = {}, env: StartOptions['env'] = {}): Promise<Governed> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'ledger-'));
  const ledger = path.join(folder, 'ledger.txt');
  fs.writeFileSync(ledger, '');
  const governed: Governed = {
    village: await Village.start({ config: governedConfig(ledger, more), env }),
    ledger,
    lines: () => fs.readFileSync(ledger, 'utf8').split('\n').filter(Boolean),
    as: (agent, claims = {}) => {
      const { level, role } = AGENTS[agent];
      return RawSession.open(governed.village.url, tokenFor(agent, { governance_level: level, role, ...claims }));
    },
    async remove() {
      await governed.village.remove();
      fs.rmSync(folder, { recursive: true, force: true });
    },
  };
  await untilListed(governed);
  return governed;
}

/** Waits until all servers have said what they have. */
export async function untilListed({ as }: Pick<Governed, 'as'>): Promise<void> {
  const session = await as('sage');
  const wanted = ['governance_vote', 'ledger__append', 'free__append'];
  await until('all servers are listed', async () => {
    const names = await session.names();
    return wanted.every((name) => names.includes(name));
  });
  await session.close();
}

export interface Approval {
  readonly proposalId: string;
  readonly status: string;
  readonly expiresAt: string | null;
}

/** What a gated call answers while it has no outcome. */
export function approvalOf({ result }: JsonRpc): Approval {
  const meta = result?._meta as Record<string, Approval> | undefined;
  const approval = meta?.['io.aivillage/approval'];
  if (approval === undefined) throw new Error(`no approval in ${JSON.stringify(result)}`);
  return approval;
}

export function structured(answer: JsonRpc): Record<string, unknown> {
  if (answer.result?.isError === true || answer.result === undefined) throw new Error(JSON.stringify(answer));
  return answer.result.structuredContent as Record<string, unknown>;
}

export async function vote(
  session: RawSession,
  id: string,
  choice: 'approve' | 'reject' = 'approve',
): Promise<JsonRpc> {
  return session.call('governance_vote', { proposal_id: id, vote: choice, reasoning: 'as the test says' });
}

/** Waits for a status of a proposal. */
export async function untilStatus(session: RawSession, id: string, status: string): Promise<void> {
  const now = async () => {
    const { proposal } = structured(await session.call('governance_status', { proposal_id: id }));
    return (proposal as { proposal_status: string }).proposal_status;
  };
  await until(`proposal ${id} is ${status}`, async () => (await now()) === status);
}

/** Asks until it is so. Throws when it is not so within the time. */
export async function until(what: string, isSo: () => boolean | Promise<boolean>, withinMs = 15_000): Promise<void> {
  const end = performance.now() + withinMs;
  while (!(await isSo())) {
    if (performance.now() > end) throw new Error(`not within ${withinMs} ms: ${what}`);
    await wait(10);
  }
}
