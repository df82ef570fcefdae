/** Measures the ledger: a posting, and balances of an account with 100,000 entries. `node test/bench/ledger.ts`, JSON out. */
import fs from 'node:fs';
import { newFolder, openLedger } from '../fixtures/fog/money.ts';
import { amount } from './amount.ts';

const ENTRIES = amount(100_000);
const REPEATS = 200;
const dataDir = newFolder();

function timed<T>(work: () => T): [T, number] {
  const started = performance.now();
  const result = work();
  return [result, performance.now() - started];
}

function at(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!;
}

function spread(times: number, work: () => unknown): { p50: number; p99: number; worst: number } {
  const ms = Array.from({ length: times }, () => timed(work)[1]).sort((a, b) => a - b);
  return { p50: at(ms, 0.5), p99: at(ms, 0.99), worst: ms.at(-1)! };
}

try {
  const first = await openLedger(dataDir);
  first.ledger.issue({ id: 'bench', to: { agentId: 'payer' }, amount: 10n ** 12n });
  const posts: number[] = [];
  for (let n = 1; n < ENTRIES; n++) {
    const [, ms] = timed(() => first.ledger.transfer('payer', `payee-${n % 97}`, 1_000n, `k${n}`, ''));
    posts.push(ms);
  }
  posts.sort((a, b) => a - b);
  await first.store.close();
  const { store, ledger, journal } = await openLedger(dataDir);
  const figures = {
    entries_of_account: journal.length('agent:payer'),
    post_ms: { p50: at(posts, 0.5), p99: at(posts, 0.99) },
    first_balance_ms: timed(() => ledger.holdings('payer'))[1],
    balance_ms: spread(REPEATS, () => ledger.holdings('payer')),
    balance_summed_from_entries_ms: spread(20, () => journal.summed('agent:payer')),
    statement_50_ms: spread(REPEATS, () => ledger.statement('payer', undefined, 50)),
    verify_all_ms: timed(() => ledger.verify())[1],
    sums_agree: journal.summed('agent:payer') === journal.balance('agent:payer'),
  };
  await store.close();
  process.stdout.write(`${JSON.stringify(figures)}\n`);
  process.exitCode = figures.sums_agree ? 0 : 1;
} finally {
  fs.rmSync(dataDir, { recursive: true, force: true });
}
