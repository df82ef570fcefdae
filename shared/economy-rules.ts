/**
 * Owns the rules of the fog's money: what is issued, what work earns and costs by default, when devices harvest. Reads the
 * `economy` part of the configuration and reports all its mistakes together; the router checks it, the fog server follows it.
 */
import { z } from 'zod';
import { AppError } from './errors.ts';
import { MAX_SUPPLY, type Micro, parseFog } from './fog-amount.ts';

/** Money that is made once for each id; the only way in which money comes to be. */
export interface IssuanceRule {
  readonly id: string;
  readonly to: { readonly agentId: string } | 'treasury';
  readonly amount: Micro;
}

export interface HarvestRules {
  /** The load must have been low for this long. */
  readonly idleMs: number;
  /** Of all cores together; what is above is no idle machine. */
  readonly maxLoadPercent: number;
  /** A device on its battery does not harvest. */
  readonly needsPower: boolean;
  /** Minutes of the day in local time, `from` included, `until` not; over midnight when `until` is not later. Empty: always. */
  readonly hours: readonly { readonly from: number; readonly until: number }[];
}

export interface EconomyRules {
  readonly issuance: readonly IssuanceRule[];
  /** What the treasury pays for work that was done. */
  readonly rewards: {
    readonly cpuSecond: Micro;
    readonly gbHour: Micro;
    /** For one agent in any 24 hours: nodes measure themselves, and this bounds what a lie is worth. */
    readonly mostPerDay: Micro;
  };
  /** What work costs on a node without an offer. */
  readonly prices: { readonly cpuHour: Micro; readonly gbHour: Micro };
  /** What a provider must have staked to offer. */
  readonly minStake: Micro;
  /** How long after its end a contract can be disputed; then it is settled. */
  readonly disputeWindowMs: number;
  readonly harvesting: HarvestRules;
}

export interface EconomyMistake {
  readonly path: readonly (string | number)[];
  readonly text: string;
}

/** Thrown for a section that cannot hold, with every mistake. */
export class EconomyRulesError extends Error {
  override readonly name = 'EconomyRulesError';
  readonly mistakes: readonly EconomyMistake[];
  constructor(mistakes: readonly EconomyMistake[]) {
    super(
      `The rules of the economy cannot hold:\n${mistakes.map((m) => `- economy.${m.path.join('.')}: ${m.text}`).join('\n')}`,
    );
    this.mistakes = mistakes;
  }
}

const fog = (least: Micro) =>
  z.union([z.number(), z.string().max(32)], 'expected an amount in FOG').transform((given, context): Micro => {
    if (least === 0n && Number(given) === 0 && given !== '') return 0n;
    try {
      return parseFog(given);
    } catch (error) {
      context.issues.push({
        code: 'custom',
        message: error instanceof AppError ? error.message : String(error),
        input: given,
      });
      return z.NEVER;
    }
  });
const rate = fog(0n);
const CLOCK = /^([01]\d|2[0-3]):([0-5]\d)$/;
const minutesOf = (text: string): number => Number(text.slice(0, 2)) * 60 + Number(text.slice(3));
const span = z
  .string()
  .max(11)
  .refine((text) => {
    const [from = '', until = '', ...more] = text.split('-');
    return more.length === 0 && CLOCK.test(from) && CLOCK.test(until);
  }, 'expected hours such as "22:00-06:00"')
  .transform((text) => ({ from: minutesOf(text.slice(0, 5)), until: minutesOf(text.slice(6)) }));

/** The `economy` section of mcp-servers.json. */
const economySchema = z.strictObject({
  issuance: z
    .array(
      z.strictObject({
        id: z.string().regex(/^[\w.-]{1,64}$/, 'expected 1 to 64 letters, digits, dots, - or _'),
        to: z
          .string()
          .regex(/^(treasury|agent:[\x21-\x7e]{1,256})$/, 'expected "treasury" or "agent:" and an agent id'),
        amount: fog(1n),
      }),
    )
    .max(10_000)
    .default([]),
  rewards: z
    .strictObject({
      cpu_second: rate.prefault('0.0001'),
      gb_hour: rate.prefault('0.01'),
      most_per_day: rate.prefault(100),
    })
    .prefault({}),
  prices: z.strictObject({ cpu_hour: rate.prefault('0.5'), gb_hour: rate.prefault('0.05') }).prefault({}),
  min_stake: rate.prefault(0),
  dispute_window_minutes: z.number().min(0).max(525_600).default(10),
  harvesting: z
    .strictObject({
      idle_minutes: z.number().min(0).max(1_440).default(10),
      max_load_percent: z.number().min(0).max(100).default(20),
      needs_power: z.boolean().default(true),
      hours: z.array(span).max(48).default([]),
    })
    .prefault({}),
});

/**
 * @param section the `economy` section, or undefined for the defaults: nothing is issued
 * @throws EconomyRulesError with every mistake found
 */
export function readEconomyRules(section: unknown): EconomyRules {
  const parsed = economySchema.safeParse(section ?? {});
  if (!parsed.success) {
    throw new EconomyRulesError(
      parsed.error.issues.map(({ path, message }) => ({
        path: path.map((step) => (typeof step === 'number' ? step : String(step))),
        text: message,
      })),
    );
  }
  const { issuance, rewards, prices, min_stake, dispute_window_minutes, harvesting } = parsed.data;
  const mistakes = mistakesOf(issuance);
  if (mistakes.length > 0) throw new EconomyRulesError(mistakes);
  return {
    issuance: issuance.map(({ id, to, amount }) => ({
      id,
      to: to === 'treasury' ? to : { agentId: to.slice('agent:'.length) },
      amount,
    })),
    rewards: { cpuSecond: rewards.cpu_second, gbHour: rewards.gb_hour, mostPerDay: rewards.most_per_day },
    prices: { cpuHour: prices.cpu_hour, gbHour: prices.gb_hour },
    minStake: min_stake,
    disputeWindowMs: Math.round(dispute_window_minutes * 60_000),
    harvesting: {
      idleMs: Math.round(harvesting.idle_minutes * 60_000),
      maxLoadPercent: harvesting.max_load_percent,
      needsPower: harvesting.needs_power,
      hours: harvesting.hours,
    },
  };
}

function mistakesOf(issuance: readonly { readonly id: string; readonly amount: Micro }[]): EconomyMistake[] {
  const mistakes: EconomyMistake[] = [];
  const seen = new Set<string>();
  let total = 0n;
  for (const [index, { id, amount }] of issuance.entries()) {
    if (seen.has(id))
      mistakes.push({ path: ['issuance', index, 'id'], text: `"${id}" stands twice; each is issued once` });
    seen.add(id);
    total += amount;
  }
  if (total > MAX_SUPPLY) {
    mistakes.push({ path: ['issuance'], text: 'all issuances together make more than 9000000000 FOG' });
  }
  return mistakes;
}
