/** Whether work fits into what is left of a machine. Pure. */

export interface Share {
  readonly cpuCores: number;
  readonly memoryGb: number;
}

/** Sums of shares such as 0.1 are not exact. */
const EPSILON = 1e-9;

export function fits(asked: Share, left: Share): boolean {
  return asked.cpuCores <= left.cpuCores + EPSILON && asked.memoryGb <= left.memoryGb + EPSILON;
}
