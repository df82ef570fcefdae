/**
 * Owns who may vote and how many approvals each type of proposal needs (G8): reads the `governance` part of the
 * configuration and reports all its mistakes together, each with its place. The router checks it, the server follows it.
 */
import { z } from 'zod';
import { LEVELS, type Level } from './identity/levels.ts';
import { APPROVALS, type Approval } from './matrix/rows.ts';

export type Threshold = number | 'all';

export interface VotingRules {
  /** Agent id → governance level, in the configuration's order. */
  readonly voters: ReadonlyMap<string, Level>;
  readonly thresholds: Readonly<Record<Approval, Threshold>>;
  readonly deadlineMs: number;
  /** How long an approved action may wait for its start before the approval lapses. */
  readonly executionWindowMs: number;
  /** How long a finished or rejected call answers for the same call asked again; later asks open a new proposal. */
  readonly answerWindowMs: number;
  /** Open proposals that one proposer may have at once. */
  readonly maxOpenPerProposer: number;
}

/** A mistake in the `governance` part: its place there, what was expected and the remedy. */
export interface VotingMistake {
  readonly path: readonly (string | number)[];
  readonly text: string;
}

/** Thrown for a configuration that cannot hold, with every mistake. */
export class VotingRulesError extends Error {
  override readonly name = 'VotingRulesError';
  readonly mistakes: readonly VotingMistake[];
  constructor(mistakes: readonly VotingMistake[]) {
    const lines = mistakes.map(({ path, text }) => `governance.${path.join('.')}: ${text}`);
    super(`The voting rules cannot hold:\n- ${lines.join('\n- ')}`);
    this.mistakes = mistakes;
  }
}

const MAX_AGENT_ID = 256;

/** What a vote must come with: emergency actions are approved by EMERGENCY level only (G1). */
export const MINIMUM_LEVEL: Readonly<Record<Approval, Level>> = {
  minor_change: LEVELS.READ_ONLY,
  major_change: LEVELS.READ_ONLY,
  critical_change: LEVELS.READ_ONLY,
  emergency_action: LEVELS.EMERGENCY,
};

const fewest = 'expected "all" or a whole number from 1 to 1000; nothing is approved by no one';
const threshold = z.union([z.literal('all'), z.int(fewest).min(1, fewest).max(1_000, fewest)], fewest);
const hours = z.number().positive().max(8_760);

/** The `governance` section of mcp-servers.json. */
const votingConfigSchema = z.strictObject({
  voters: z
    .array(
      z
        .string()
        .regex(/^[\x21-\x7e]+$/, 'expected an agent id of visible ASCII characters')
        .max(MAX_AGENT_ID),
    )
    .max(1_000)
    .default(['king', 'sage', 'curator']),
  thresholds: z
    .strictObject({
      minor_change: threshold.default(1),
      major_change: threshold.default(2),
      critical_change: threshold.default('all'),
      emergency_action: threshold.default(1),
    })
    .prefault({}),
  deadline_hours: hours.default(24),
  execution_window_hours: hours.default(24),
  answer_window_hours: hours.default(24),
  max_open_per_proposer: z.int().min(1).max(10_000).default(100),
});

/** Levels of the agents that FEATURES A5 names as voters, for a configuration that has no agents of its own. */
export const DEFAULT_VOTER_LEVELS: ReadonlyMap<string, Level> = new Map([
  ['king', LEVELS.EMERGENCY],
  ['sage', LEVELS.GOVERNANCE],
  ['curator', LEVELS.GOVERNANCE],
]);

/**
 * @param section the `governance` section, or undefined for the defaults
 * @param agents configured agents and their levels
 * @throws VotingRulesError with every mistake found
 */
export function readVotingRules(
  section: unknown,
  agents: ReadonlyMap<string, Level> = DEFAULT_VOTER_LEVELS,
): VotingRules {
  const parsed = votingConfigSchema.safeParse(section ?? {});
  if (!parsed.success) {
    throw new VotingRulesError(
      parsed.error.issues.map(({ path, message }) => ({ path: path.map(step), text: message })),
    );
  }
  const config = parsed.data;
  const problems = votersProblems(config.voters, agents);
  const voters = new Map<string, Level>();
  for (const id of config.voters) voters.set(id, agents.get(id) ?? LEVELS.READ_ONLY);
  if (problems.length === 0) {
    for (const type of APPROVALS) problems.push(...thresholdProblems(type, config.thresholds[type], voters));
  }
  if (problems.length > 0) throw new VotingRulesError(problems);
  const ms = (h: number) => Math.round(h * 3_600_000);
  return {
    voters,
    thresholds: config.thresholds,
    deadlineMs: ms(config.deadline_hours),
    executionWindowMs: ms(config.execution_window_hours),
    answerWindowMs: ms(config.answer_window_hours),
    maxOpenPerProposer: config.max_open_per_proposer,
  };
}

function step(part: PropertyKey): string | number {
  return typeof part === 'number' ? part : String(part);
}

function votersProblems(ids: readonly string[], agents: ReadonlyMap<string, Level>): VotingMistake[] {
  if (ids.length === 0) return [{ path: ['voters'], text: 'no voter is named; name at least one agent id' }];
  const problems: VotingMistake[] = [];
  const seen = new Map<string, string>();
  for (const [index, id] of ids.entries()) {
    const path = ['voters', index];
    const twin = seen.get(id.toLowerCase());
    if (twin !== undefined) {
      problems.push({ path, text: `"${id}" and "${twin}" are one name to a reader; a voter has one vote, keep one` });
    }
    seen.set(id.toLowerCase(), id);
    if (!agents.has(id)) problems.push({ path, text: `"${id}" is no configured agent; add it to "agents"` });
  }
  return problems;
}

function thresholdProblems(type: Approval, needed: Threshold, voters: ReadonlyMap<string, Level>): VotingMistake[] {
  const minimum = MINIMUM_LEVEL[type];
  const able = [...voters.values()].filter((level) => level >= minimum).length;
  const who = minimum === LEVELS.EMERGENCY ? 'voters of level EMERGENCY' : 'voters';
  const path = ['thresholds', type];
  if (able === 0) return [{ path, text: `there are no ${who}; give one voter that level in "agents"` }];
  if (needed !== 'all' && needed > able) {
    const text = `${needed} approvals can never come from ${able} ${who}; lower it or name more voters`;
    return [{ path, text }];
  }
  return [];
}
