/** What one small piece of work costs, in microseconds of CPU of this process: the median of some rounds of very many. */
import { median } from './median.ts';

const ROUNDS = 9;

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
