/**
 * Noise for counts: the discrete Laplace distribution, sampled exactly with whole numbers (Canonne, Kamath and Steinke, "The
 * Discrete Gaussian for Differential Privacy", 2020, algorithm 2), so that no rounding gives anything away. Pure but for its dice.
 */

/** A whole number from 0 to n − 1, all alike likely. */
export type Dice = (n: number) => number;

/** ε is taken as a whole number of these. */
const PARTS = 1_000;

/**
 * P(x) ∝ exp(−ε·|x|): what makes a count in which each person is at most 1 ε-differentially private.
 * @throws RangeError for an ε below 0.001
 */
export function discreteLaplace(epsilon: number, dice: Dice): number {
  const s = Math.round(epsilon * PARTS);
  if (!(s >= 1)) throw new RangeError(`epsilon must be at least ${1 / PARTS}, it is ${epsilon}`);
  for (;;) {
    const u = dice(PARTS);
    if (!happensExp(u, PARTS, dice)) continue;
    let v = 0;
    while (happensExp(1, 1, dice)) v++;
    const size = Math.floor((u + PARTS * v) / s);
    const isNegative = dice(2) === 1;
    if (isNegative && size === 0) continue;
    return isNegative ? -size : size;
  }
}

/** With probability exp(−n/d), n ≤ d: von Neumann's series. */
function happensExp(n: number, d: number, dice: Dice): boolean {
  let k = 1;
  while (dice(d * k) < n) k++;
  return k % 2 === 1;
}
