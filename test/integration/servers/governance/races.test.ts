import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import readline from 'node:readline';
import { expect, it, onTestFinished } from 'vitest';
import { openGovernance } from '../../../../servers/governance/governance.ts';
import { createClock } from '../../../../shared/clock.ts';
import { LEVELS } from '../../../../shared/identity/levels.ts';
import { readVotingRules } from '../../../../shared/voting-rules.ts';
import { magi, payment, tempFolder } from '../../../fixtures/governance/village.ts';

const CONTENDER = path.resolve(import.meta.dirname, '../../../fixtures/governance/contender.ts');
const PROCESSES = 5;
const SERVICES = 10;
const ROUNDS = 100;
const VOTERS = ['v1', 'v2', 'v3', 'v4', 'v5'];

interface Contender {
  readonly child: ChildProcessWithoutNullStreams;
  next(): Promise<unknown>;
}

function start(dataDir: string, ledger: string): Contender {
  const child = spawn(process.execPath, [CONTENDER, dataDir, ledger, String(SERVICES), ...VOTERS]);
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  let stderr = '';
  child.stderr.on('data', (chunk) => {
    stderr += String(chunk);
  });
  const lines = readline.createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    child,
    async next() {
      const { value, done } = await lines.next();
      if (done === true) throw new Error(`the contender ended: ${stderr}`);
      return JSON.parse(value);
    },
  };
}

it(`[G2][G4] ${PROCESSES * SERVICES} services in ${PROCESSES} processes, ${ROUNDS} rounds: one vote each, one execution`, async () => {
  const dataDir = tempFolder();
  const ledger = path.join(dataDir, 'ledger.txt');
  fs.writeFileSync(ledger, '');
  const rules = readVotingRules(
    { voters: VOTERS, thresholds: { major_change: 3 } },
    new Map(VOTERS.map((voter) => [voter, LEVELS.EMERGENCY])),
  );
  const clock = createClock(Date.now, () => performance.now());
  const onFault = (error: unknown) => {
    throw error;
  };
  const { decisions, verify, close } = await openGovernance({ dataDir, clock, rules: () => rules, onFault });
  onTestFinished(close);
  const contenders = Array.from({ length: PROCESSES }, () => start(dataDir, ledger));
  for (const { next } of contenders) expect(await next()).toEqual({ ready: true });

  const winners = new Set<number>();
  for (let round = 0; round < ROUNDS; round++) {
    const { id, action } = decisions.propose(magi, payment(`{"round":${round}}`, {}, 'major_change'));
    const order = `${JSON.stringify({ id, binding: action!.binding })}\n`;
    for (const { child } of contenders) child.stdin.write(order);
    const counts = (await Promise.all(contenders.map(({ next }) => next()))) as { votes: number; executions: number }[];
    const executions = counts.map((count) => count.executions);
    expect(executions.reduce((a, b) => a + b)).toBe(1);
    winners.add(executions.indexOf(1));
    const after = decisions.get(id);
    expect(after.status).toBe('executed');
    expect(after.votes.size).toBe(3);
  }
  const lines = fs.readFileSync(ledger, 'utf8').trim().split('\n');
  expect(lines.length).toBe(ROUNDS);
  expect(new Set(lines).size).toBe(ROUNDS);
  expect(verify().firstBad).toBeUndefined();
  // It was a race: not always the same process won.
  expect(winners.size).toBeGreaterThan(1);

  for (const { child } of contenders) {
    child.stdin.end();
    if (child.exitCode === null) await once(child, 'exit');
    expect(child.exitCode).toBe(0);
  }
}, 180_000);
