/** What one piece of work costs by itself, in µs of this process's CPU. */
import { amount } from './amount.ts';
import { median } from './median.ts';

const ROUNDS = amount(9);

/** The median of several rounds of `calls` calls each; a call that is asynchronous is waited for. */
export async function medianMicroseconds(calls: number, work: (i: number) => unknown): Promise<number> {
  const rounds: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const start = process.cpuUsage();
    for (let i = 0; i < calls; i++) {
      const made = work(i);
      if (made instanceof Promise) await made;
    }
    const { user, system } = process.cpuUsage(start);
    rounds.push((user + system) / calls);
  }
  return Number(median(rounds).toFixed(3));
}
