/**
 * How well forecasts came true: hits, misses and the Brier score, and the confidence that follows from them. Pure; the only place
 * where the numbers are made.
 */

/** Sums over the checks so far. Where they are to be forgotten with time, older checks weigh less in each. */
export interface TrackRecord {
  readonly hits: number;
  readonly misses: number;
  /** Of (forecast − outcome)². */
  readonly squared: number;
  /** How many errors that is the sum of. */
  readonly weight: number;
}

/** What somebody who knows nothing scores by always saying one half. */
const KNOWING_NOTHING = 0.25;

/** It begins with one check of knowing nothing. */
export const NO_RECORD: TrackRecord = { hits: 0, misses: 0, squared: KNOWING_NOTHING, weight: 1 };

/** The next outcome, by Laplace's rule of succession. */
export function forecastOf({ hits, misses }: TrackRecord): number {
  return (hits + 1) / (hits + misses + 2);
}

/**
 * The record after one more outcome, scored against the forecast that was made without it (Brier 1950; one after the other, as
 * Dawid 1984).
 * @param memory weight that each older check keeps; 1 forgets nothing
 */
export function checked(record: TrackRecord, held: boolean, memory = 1): TrackRecord {
  const outcome = held ? 1 : 0;
  return {
    hits: record.hits * memory + outcome,
    misses: record.misses * memory + 1 - outcome,
    squared: record.squared * memory + (forecastOf(record) - outcome) ** 2,
    weight: record.weight * memory + 1,
  };
}

/** The mean squared error: 0 is perfect, 0.25 knows nothing. */
export function brierOf({ squared, weight }: TrackRecord): number {
  return squared / weight;
}

/** Of a forecast that comes again: what it says, as far as it has said better than knowing nothing. 0 without a record. */
export function confidenceOf(record: TrackRecord): number {
  return forecastOf(record) * Math.max(0, 1 - brierOf(record) / KNOWING_NOTHING);
}
