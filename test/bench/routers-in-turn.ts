/** Whole routers that differ in one thing, under the same load in turn: what that thing costs a call, beside the first of them. */
import { load, settle } from './measure.ts';
import { median } from './median.ts';
import { Processes } from './processes.ts';
import { startTarget, type Target, type TargetOptions } from './targets.ts';

export interface Cost {
  readonly us_of_cpu_a_call: number;
  readonly more_than_the_first_us: number;
}

/** @param routers by name, what each is made with beside an upstream over stdio */
export async function routersInTurn(
  routers: Readonly<Record<string, Omit<TargetOptions, 'upstream'>>>,
  repeats: number,
): Promise<Record<string, Cost>> {
  const processes = new Processes();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => void processes.stopAll().finally(() => process.exit(130)));
  }
  try {
    const targets: [string, Target][] = [];
    for (const [name, options] of Object.entries(routers)) {
      const target = await startTarget(processes, 'router', { upstream: 'stdio', ...options });
      await settle(processes, target, 2);
      targets.push([name, target]);
    }
    const micros = new Map<string, number[]>(targets.map(([name]) => [name, []]));
    for (let repeat = 0; repeat < repeats; repeat++) {
      for (const [name, target] of targets) {
        const result = await load(processes, target, { inFlight: 64, warmupSeconds: 0.3, seconds: 1 });
        if (result.errors + result.lost > 0) throw new Error(`${name}: ${result.errors} wrong, ${result.lost} lost`);
        micros.get(name)!.push(result.cpuMicrosPerCall);
      }
    }
    const [[, first] = ['', []]] = micros;
    return Object.fromEntries(
      [...micros].map(([name, each]) => [
        name,
        {
          us_of_cpu_a_call: Number(median(each).toFixed(1)),
          more_than_the_first_us: Number(median(each.map((one, i) => one - first[i]!)).toFixed(1)),
        },
      ]),
    );
  } finally {
    await processes.stopAll();
  }
}
