/** Which standing offer serves a request best: by price, then by fit, then by stake, then the oldest. Pure and deterministic. */
import type { Micro } from '../../../shared/fog-amount.ts';
import { leaseCost } from './price.ts';

export interface Requirements {
  readonly cpuCores: number;
  readonly memoryMb: number;
  readonly gpu: boolean;
}

/** An offer with what is still free of it. */
export interface Candidate {
  readonly id: string;
  readonly provider: string;
  readonly freeCores: number;
  readonly freeMemoryMb: number;
  readonly gpu: boolean;
  readonly cpuHourPrice: Micro;
  readonly gbHourPrice: Micro;
  readonly staked: Micro;
  readonly createdAt: number;
  readonly expiresAt: number;
}

export interface Wanted {
  readonly consumer: string;
  readonly requirements: Requirements;
  readonly durationMs: number;
  readonly maxPrice: Micro;
}

export interface Match<C extends Candidate> {
  readonly offer: C;
  /** What it costs at most. */
  readonly cost: Micro;
}

/** All offers that can serve the request, the best first; what is dearer than `maxPrice` too, so that a refusal can name it. */
export function rank<C extends Candidate>(wanted: Wanted, offers: readonly C[], now: number): Match<C>[] {
  const { requirements, durationMs, consumer } = wanted;
  return offers
    .filter(
      (offer) =>
        offer.provider !== consumer &&
        offer.freeCores >= requirements.cpuCores &&
        offer.freeMemoryMb >= requirements.memoryMb &&
        (offer.gpu || !requirements.gpu) &&
        offer.expiresAt >= now + durationMs,
    )
    .map((offer) => ({
      offer,
      cost: leaseCost(requirements, durationMs, { cpuHour: offer.cpuHourPrice, gbHour: offer.gbHourPrice }),
    }))
    .sort(
      (a, b) =>
        order(a.cost, b.cost) ||
        waste(requirements, a.offer) - waste(requirements, b.offer) ||
        order(b.offer.staked, a.offer.staked) ||
        a.offer.createdAt - b.offer.createdAt ||
        (a.offer.id < b.offer.id ? -1 : 1),
    );
}

/** The share of an offer that would lie idle: less is a better fit. A GPU that nobody asked for counts as half an offer. */
function waste({ cpuCores, memoryMb, gpu }: Requirements, offer: Candidate): number {
  const cores = (offer.freeCores - cpuCores) / offer.freeCores;
  const memory = (offer.freeMemoryMb - memoryMb) / offer.freeMemoryMb;
  return cores + memory + (offer.gpu && !gpu ? 0.5 : 0);
}

function order(a: Micro, b: Micro): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
