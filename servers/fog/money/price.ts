/** What metered work costs and earns, in whole micro-FOG; rounded down, so that no rounding ever makes money. Pure. */
import { MAX_AMOUNT, type Micro } from '../../../shared/fog-amount.ts';

/** What was measured, in whole units. */
export interface Used {
  readonly cpuMs: number;
  /** Megabytes held times milliseconds. */
  readonly mbMs: number;
}

const MS_PER_HOUR = 3_600_000n;
const MB_PER_GB = 1_024n;
const MOST = 1e15;

/** @returns at most MAX_AMOUNT; measures that are no positive numbers count as nothing */
export function costOf({ cpuMs, mbMs }: Used, price: { readonly cpuHour: Micro; readonly gbHour: Micro }): Micro {
  const cost = whole(cpuMs) * MB_PER_GB * price.cpuHour + whole(mbMs) * price.gbHour;
  return atMost(cost / (MS_PER_HOUR * MB_PER_GB));
}

export function rewardOf({ cpuMs, mbMs }: Used, rate: { readonly cpuSecond: Micro; readonly gbHour: Micro }): Micro {
  return costOf({ cpuMs, mbMs }, { cpuHour: rate.cpuSecond * 3_600n, gbHour: rate.gbHour });
}

/** What a lease can cost at most: all its cores and all its memory for all its time. */
export function leaseCost(
  size: { readonly cpuCores: number; readonly memoryMb: number },
  durationMs: number,
  price: { readonly cpuHour: Micro; readonly gbHour: Micro },
): Micro {
  return costOf({ cpuMs: size.cpuCores * durationMs, mbMs: size.memoryMb * durationMs }, price);
}

function whole(measured: number): bigint {
  return Number.isFinite(measured) && measured > 0 ? BigInt(Math.min(Math.trunc(measured), MOST)) : 0n;
}

function atMost(cost: Micro): Micro {
  return cost > MAX_AMOUNT ? MAX_AMOUNT : cost;
}
