/** Which copy of a server takes a call: of those that are in the best shape, the one that the strategy says (R2, R3). */
import type { Item } from '../catalog/definitions.ts';
import type { Copy } from './copy.ts';
import { STRATEGIES, type StrategyName } from './strategies.ts';

/** Best first: it answers · put out as an outlier · does not answer, for the moment. */
const GOOD = 0;
const EJECTED = 1;
const STALLED = 2;
const UNUSABLE = 3;

/** Made once; what a call would allocate otherwise. */
const candidates: Copy[] = [];
const now = () => performance.now();

/**
 * @param tried copies that this call was at already
 * @param turn counts up from call to call
 * @returns undefined when no copy can take it now
 */
export function pick(
  copies: readonly Copy[],
  item: Item,
  tried: readonly Copy[],
  strategy: StrategyName,
  turn: number,
): Copy | undefined {
  let best = UNUSABLE;
  let count = 0;
  for (const copy of copies) {
    const shape = shapeOf(copy, item);
    if (shape > best || shape === UNUSABLE || tried.includes(copy)) continue;
    if (shape < best) {
      best = shape;
      count = 0;
    }
    candidates[count++] = copy;
  }
  if (count <= 1) return count === 0 ? undefined : candidates[0];
  return candidates[STRATEGIES[strategy](candidates, count, turn, now)];
}

function shapeOf(copy: Copy, item: Item): number {
  if (copy.peer === undefined || !copy.isListed || copy.liveness.isOpen || !copy.has(item)) return UNUSABLE;
  if (copy.liveness.isStalled) return STALLED;
  // Nobody is put out for long: the clock is asked only for those who were.
  return copy.tally.ejectedUntil > 0 && copy.tally.ejectedUntil > now() ? EJECTED : GOOD;
}
