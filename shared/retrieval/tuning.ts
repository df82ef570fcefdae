/** All the numbers of the ranking, in one place. One set of them serves every kind of corpus; README.md says how they were chosen. */

export interface Tuning {
  /** How many passages of the first stage are followed, and how many of those reached are followed again. */
  parents: number;
  grandparents: number;
  titleFixed: number;
  titleMass: number;
  base: number;
  overlap: number;
  gain: number;
  shareExponent: number;
  targets: number;
  secondHop: number;
  soft: number;
  neighbour: number;
  second: number;
  coNamed: number;
  inLink: number;
  mostNamed: number;
  reach: number;
  far: number;
  fragment: number;
  titleFloor: number;
}

export const TUNING: Tuning = {
  parents: 12,
  grandparents: 6,
  titleFixed: 0.15,
  titleMass: 0.7,
  base: 0.3,
  overlap: 0.8,
  gain: 0.8,
  shareExponent: 0.5,
  targets: 8,
  secondHop: 0.8,
  soft: 0.5,
  neighbour: 0.3,
  second: 0.3,
  coNamed: 0.5,
  inLink: 0.5,
  mostNamed: 12,
  reach: 5,
  far: 0.5,
  fragment: 0.4,
  titleFloor: 0,
};
