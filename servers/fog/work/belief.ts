/**
 * Decides how much of what a node says of itself counts. As in a market: whose word is new gets a small credit, whose results counted a
 * larger one, and nobody more than the most. Pure.
 */
import type { FogTrust } from '../../../shared/fog-rules.ts';

/** What a node says, and what is known of it. */
export interface Claim {
  readonly nodeId: string;
  readonly cpuCores: number;
  readonly memoryGb: number;
  /** Results of its runs that counted, and leases that it lost or sat on. */
  readonly delivered: number;
  readonly lost: number;
}

export interface Belief {
  /** What counts. */
  readonly cpuCores: number;
  readonly memoryGb: number;
  /** In words, when less counts than the node says. */
  readonly why: string | undefined;
}

/** A lease that was lost costs others more than a result gains them. */
const LOST_WEIGHS = 10;

export function believe(claim: Claim, trust: FogTrust): Belief {
  const isVouchedFor = trust.vouchedFor.has(claim.nodeId);
  const record = Math.max(0, claim.delivered - LOST_WEIGHS * claim.lost);
  const credit = isVouchedFor ? Number.POSITIVE_INFINITY : 1 + Math.floor(record / trust.resultsToDouble);
  const cpuCores = Math.min(claim.cpuCores, trust.mostCores, trust.newNodeCores * credit);
  const memoryGb = Math.min(claim.memoryGb, trust.mostMemoryGb, trust.newNodeMemoryGb * credit);
  if (cpuCores === claim.cpuCores && memoryGb === claim.memoryGb) return { cpuCores, memoryGb, why: undefined };
  const says = `it says ${claim.cpuCores} cores and ${claim.memoryGb} GB; ${cpuCores} and ${memoryGb} count`;
  const isAtMost =
    isVouchedFor ||
    (trust.newNodeCores * credit >= trust.mostCores && trust.newNodeMemoryGb * credit >= trust.mostMemoryGb);
  const remedy = isAtMost
    ? 'which is the most for any node (fog.trust.most_cores, most_memory_gb)'
    : `until it has delivered more (${claim.delivered} results counted, ${claim.lost} leases lost) or fog.trust.vouched_for names it`;
  return { cpuCores, memoryGb, why: `${says}, ${remedy}` };
}
