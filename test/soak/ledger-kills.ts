/**
 * Random operations on the ledger by processes that are killed with SIGKILL over and over; in the end every balance is what
 * plain arithmetic says, everything sums to zero, the chain is whole and nothing acknowledged is missing.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import readline from 'node:readline';
import { LedgerModel, operationAt, seeded } from '../fixtures/fog/ledger-operations.ts';
import { newFolder, openLedger } from '../fixtures/fog/money.ts';

const WRITER = path.resolve(import.meta.dirname, '../fixtures/fog/ledger-writer.ts');

export interface LedgerReport {
  readonly operations: number;
  readonly postings: number;
  readonly kills: number;
  /** Of all accounts, in micro-FOG. */
  readonly sum: string;
  /** Money there is, in micro-FOG. */
  readonly supply: string;
  readonly verifyMs: number;
  readonly seconds: number;
  /** Empty when all is well. */
  readonly faults: readonly string[];
}

export interface LedgerKillOptions {
  readonly operations: number;
  /** A process does this many operations, or fewer, before it is killed: so many kills come on a busy machine as on an idle one. */
  readonly longestLife: number;
  /** Fewer kills than these are a fault: then the run proved nothing. */
  readonly leastKills: number;
  readonly seed: number;
}

export async function ledgerKills(options: LedgerKillOptions): Promise<LedgerReport> {
  const { operations, longestLife, leastKills, seed } = options;
  const started = performance.now();
  const model = new LedgerModel();
  const positions = new Int32Array(operations);
  for (let n = 0; n < operations; n++) {
    model.apply(operationAt(n, seed));
    positions[n] = model.movements;
  }
  const dataDir = newFolder();
  const random = seeded(seed);
  const faults: string[] = [];
  let kills = 0;
  let from = 0;
  try {
    while (from < operations) {
      const until = from + 20 + random() * longestLife;
      const delayMs = random() * 5;
      const { acknowledged, wasKilled, code } = await live(dataDir, seed, { from, end: operations, until, delayMs });
      if (!wasKilled && code !== 0) faults.push(`the writer ended with ${code} at operation ${from}`);
      if (wasKilled) kills += 1;
      const { store, journal } = await openLedger(dataDir);
      const position = journal.lastPosition();
      await store.close();
      if (position < acknowledged) faults.push(`${acknowledged} was acknowledged, ${position} is the last posting`);
      if (faults.length > 0) break;
      // Behind the last posting only refusals can have come, and they leave no trace: they are asked again.
      from = wasKilled ? firstBehind(positions, position) : operations;
    }
    const { store, ledger } = await openLedger(dataDir);
    const verifyStarted = performance.now();
    const verified = ledger.verify();
    const verifyMs = performance.now() - verifyStarted;
    await store.close();
    if (kills < leastKills) faults.push(`only ${kills} processes were killed, ${leastKills} were to be`);
    if (verified.firstBad !== undefined) faults.push(`posting ${verified.firstBad.position}: ${verified.firstBad.why}`);
    if (verified.sum !== 0n) faults.push(`the accounts sum to ${verified.sum}`);
    if (verified.postings !== model.movements)
      faults.push(`${verified.postings} postings, ${model.movements} movements`);
    for (const account of new Set([...verified.accounts.keys(), ...model.balances.keys()])) {
      const [has, should] = [verified.accounts.get(account) ?? 0n, model.balance(account)];
      if (has !== should) faults.push(`${account} has ${has}, arithmetic says ${should}`);
    }
    return {
      operations,
      postings: verified.postings,
      kills,
      sum: `${verified.sum}`,
      supply: `${-(verified.accounts.get('issuance') ?? 0n)}`,
      verifyMs: Math.round(verifyMs),
      seconds: Math.round((performance.now() - started) / 100) / 10,
      faults: faults.slice(0, 20),
    };
  } finally {
    fs.rmSync(dataDir, { recursive: true, force: true });
  }
}

interface Life {
  readonly from: number;
  readonly end: number;
  /** The acknowledged operation that is its last but for what it does in `delayMs`. */
  readonly until: number;
  readonly delayMs: number;
}

/** One life of a writer. */
async function live(dataDir: string, seed: number, { from, end, until, delayMs }: Life) {
  const args = [WRITER, dataDir, String(seed), String(from), String(end)];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  let acknowledged = 0;
  let timer: NodeJS.Timeout | undefined;
  for await (const line of readline.createInterface({ input: child.stdout })) {
    const [operation = 0, position = 0] = line.split(' ').map(Number);
    acknowledged = position;
    if (operation >= until) timer ??= setTimeout(() => child.kill('SIGKILL'), delayMs);
  }
  const [code, signal] = (await exited) as [number | null, NodeJS.Signals | null];
  clearTimeout(timer);
  return { acknowledged, wasKilled: signal === 'SIGKILL', code };
}

/** The first operation behind the one that made this posting. */
function firstBehind(positions: Int32Array, position: number): number {
  if (position === 0) return 0;
  let [low, high] = [0, positions.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (positions[middle]! < position) low = middle + 1;
    else high = middle;
  }
  return low + 1;
}
