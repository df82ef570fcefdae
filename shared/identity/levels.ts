/** Governance levels (A5): an order of trust, from reading to stopping everything. */

export const LEVELS = { READ_ONLY: 1, OPERATOR: 2, COORDINATOR: 3, GOVERNANCE: 4, EMERGENCY: 5 } as const;

export type LevelName = keyof typeof LEVELS;
export type Level = (typeof LEVELS)[LevelName];

export const LEVEL_NAMES = Object.keys(LEVELS) as LevelName[];

const byNumber = new Map<number, LevelName>(LEVEL_NAMES.map((name) => [LEVELS[name], name]));

export function levelName(level: Level): LevelName {
  return byNumber.get(level)!;
}
