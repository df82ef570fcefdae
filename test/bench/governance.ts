/** Measures the governance's store: a vote that decides, opening and verifying a file. `node test/bench/governance.ts`, JSON out. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { openGovernance } from '../../servers/governance/governance.ts';
import { createClock } from '../../shared/clock.ts';
import type { Caller } from '../../shared/identity/caller.ts';
import { LEVELS } from '../../shared/identity/levels.ts';
import { readVotingRules } from '../../shared/voting-rules.ts';
import { amount } from './amount.ts';

const PROPOSALS = amount(5_000);
const dataDir = fs.mkdtempSync(path.join(os.tmpdir(), 'bench-governance-'));
const rules = readVotingRules(undefined);
const options = {
  dataDir,
  clock: createClock(Date.now, () => performance.now()),
  rules: () => rules,
  onFault: (error: unknown) => {
    throw error;
  },
};
const caller = (agentId: string): Caller => ({
  agentId,
  role: 'user',
  level: LEVELS.GOVERNANCE,
  permissions: [],
  tokenId: 'bench',
  expiresAt: 4e9,
});

async function timed<T>(work: () => T | Promise<T>): Promise<[T, number]> {
  const started = performance.now();
  const result = await work();
  return [result, performance.now() - started];
}

try {
  const first = await openGovernance(options);
  const votesMs: number[] = [];
  for (let i = 0; i < PROPOSALS; i++) {
    const { id } = first.decisions.propose(caller('magi'), {
      title: `Change ${i}`,
      description: 'Measured',
      type: 'minor_change',
      impact: { affectedSystems: [], riskLevel: 'low', reversible: true },
      action: null,
    });
    const [, ms] = await timed(() => first.decisions.vote(caller('sage'), id, 'approve', 'yes'));
    votesMs.push(ms);
  }
  votesMs.sort((a, b) => a - b);
  const { events } = first.verify();
  const [, listMs] = await timed(() => first.decisions.list());
  await first.close();
  const [second, openMs] = await timed(() => openGovernance(options));
  await second.close();
  const at = (share: number) => votesMs[Math.floor(PROPOSALS * share)];
  const figures = {
    vote_p50_ms: at(0.5),
    vote_p99_ms: at(0.99),
    events,
    open_and_verify_ms: openMs,
    list_50_ms: listMs,
  };
  process.stdout.write(`${JSON.stringify(figures)}\n`);
} finally {
  fs.rmSync(dataDir, { recursive: true, force: true });
}
