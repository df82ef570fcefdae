import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import readline from 'node:readline';
import { expect, it } from 'vitest';
import { type Governance, openGovernance } from '../../../../servers/governance/governance.ts';
import { createClock } from '../../../../shared/clock.ts';
import { AppError } from '../../../../shared/errors.ts';
import { readVotingRules } from '../../../../shared/voting-rules.ts';
import { curator, magi, payment, sage, tempFolder } from '../../../fixtures/governance/village.ts';

const EXECUTOR = path.resolve(import.meta.dirname, '../../../fixtures/governance/executor.ts');

async function open(dataDir: string): Promise<Governance> {
  const rules = readVotingRules(undefined);
  const onFault = (error: unknown) => {
    throw error;
  };
  const clock = createClock(Date.now, () => performance.now());
  return openGovernance({ dataDir, clock, rules: () => rules, onFault });
}

function approve({ decisions }: Governance, count: number): string[] {
  return Array.from({ length: count }, (_, n) => {
    const { proposal } = decisions.requestApproval(magi, payment(`{"n":${n}}`));
    return decisions.vote(sage, proposal.id, 'approve', 'yes').id;
  });
}

/** Runs an executor; kills it with SIGKILL at its `killAt`-th line, or lets it end. @returns its lines and how it ended */
async function execute(dataDir: string, ledger: string, stopAt: string, killAt: number) {
  const child = spawn(process.execPath, [EXECUTOR, dataDir, ledger, stopAt], { stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  const lines: string[] = [];
  for await (const line of readline.createInterface({ input: child.stdout })) {
    lines.push(line);
    if (lines.length === killAt) child.kill('SIGKILL');
  }
  const [code, signal] = (await exited) as [number | null, NodeJS.Signals | null];
  return { lines, code, signal };
}

function linesOf(ledger: string): string[] {
  return fs.readFileSync(ledger, 'utf8').split('\n').filter(Boolean);
}

const rounds = (from: number, count: number) => Array.from({ length: count }, (_, i) => from + i);

it.each(rounds(1, 10))(
  '[G4] an executor killed between start and outcome leaves outcome_unknown, and nothing runs again (round %i)',
  async (round) => {
    const dataDir = tempFolder();
    const ledger = path.join(dataDir, 'ledger.txt');
    fs.writeFileSync(ledger, '');
    const stopAt = round % 2 === 0 ? 'claimed' : 'called';
    const village = await open(dataDir);
    const [id] = approve(village, 1) as [string];
    const lines = stopAt === 'claimed' ? 1 : 2;
    const killed = await execute(dataDir, ledger, stopAt, lines);
    expect(killed).toMatchObject({ code: null, signal: 'SIGKILL' });
    expect(killed.lines.at(-1)).toBe(`${stopAt} ${id}`);
    expect(village.decisions.get(id).status).toBe('executing');

    expect(village.decisions.sweep()).toEqual([id]);
    expect(village.decisions.get(id).status).toBe('outcome_unknown');
    const { action } = village.decisions.get(id);
    expect(() => village.decisions.claimExecution(id, action!.binding)).toThrow(AppError);
    const again = await execute(dataDir, ledger, 'never', 0);
    expect(again).toEqual({ lines: ['done all'], code: 0, signal: null });
    expect(linesOf(ledger)).toEqual(stopAt === 'called' ? [id] : []);

    village.decisions.resolveUnknown(curator, id, stopAt === 'called' ? 'executed' : 'failed', 'Looked at the ledger');
    expect(fs.readdirSync(path.join(dataDir, 'governance.owners'))).toEqual([]);
    await village.close();
  },
);

it.each(rounds(1, 10))(
  '[G4] an executor killed anywhere while it works through twelve actions runs none of them twice (round %i)',
  async (round) => {
    const dataDir = tempFolder();
    const ledger = path.join(dataDir, 'ledger.txt');
    fs.writeFileSync(ledger, '');
    const village = await open(dataDir);
    const ids = approve(village, 12);
    const killed = await execute(dataDir, ledger, 'done', round * 3 - 2);
    expect(killed).toMatchObject({ code: null, signal: 'SIGKILL' });

    const running = ids.filter((id) => village.decisions.get(id).status === 'executing');
    expect(village.decisions.sweep()).toEqual(running);
    // The next run of the executor takes the rest, and only the rest.
    const again = await execute(dataDir, ledger, 'never', 0);
    expect(again.code).toBe(0);
    const lines = linesOf(ledger);
    expect(new Set(lines).size).toBe(lines.length);
    for (const id of ids) {
      const { status } = village.decisions.get(id);
      if (running.includes(id)) expect(status).toBe('outcome_unknown');
      else {
        expect(status).toBe('executed');
        expect(lines).toContain(id);
      }
    }
    expect(village.verify().firstBad).toBeUndefined();
    await village.close();
  },
);
