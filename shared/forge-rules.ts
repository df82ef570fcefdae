/**
 * Owns what the Agent Forge may run and where models lie, as the `forge` part of the configuration says: reads it and reports
 * all its mistakes together. The router checks it, the fog server follows it.
 */
import path from 'node:path';
import { z } from 'zod';

/** A program of the configuration; callers choose it by name and give it nothing but values of parameters. */
export interface ForgeCommand {
  /** A name looked up in the system's own folders, a full path, or `node`: the Node.js that runs this program. */
  readonly command: string;
  readonly args: readonly string[];
  readonly timeoutMs: number;
}

export interface ForgeRules {
  /** Full paths of folders whose `*.safetensors` may be used by their names. */
  readonly models: readonly string[];
  /** What runs a phase that is not built in, by the phase's name. */
  readonly phases: ReadonlyMap<string, ForgeCommand>;
  /** What scores a candidate of EvoMerge, by the name that callers use. */
  readonly scoring: ReadonlyMap<string, ForgeCommand>;
}

export interface ForgeMistake {
  readonly path: readonly (string | number)[];
  readonly text: string;
}

/** Thrown for a section that cannot hold, with every mistake. */
export class ForgeRulesError extends Error {
  override readonly name = 'ForgeRulesError';
  readonly mistakes: readonly ForgeMistake[];
  constructor(mistakes: readonly ForgeMistake[]) {
    super(
      `The rules of the forge cannot hold:\n${mistakes.map((m) => `- forge.${m.path.join('.')}: ${m.text}`).join('\n')}`,
    );
    this.mistakes = mistakes;
  }
}

/** In the order in which a model passes through them. */
export const PHASES = [
  'Cognate',
  'EvoMerge',
  'Quiet-STaR',
  'BitNet',
  'Forge Training',
  'Tool/Persona',
  'ADAS',
  'Final Compression',
] as const;
export type Phase = (typeof PHASES)[number];

/** Those that need no command of the configuration to do their work. */
export const BUILT_IN_PHASES: readonly Phase[] = ['EvoMerge', 'BitNet', 'Final Compression'];

const text = z
  .string()
  .min(1)
  .max(4_096)
  .refine((value) => !value.includes('\0'), 'expected no NUL');
const command = z.strictObject({
  command: text,
  args: z
    .array(
      z
        .string()
        .max(4_096)
        .refine((value) => !value.includes('\0')),
    )
    .max(256)
    .default([]),
  timeout_minutes: z.number().positive().max(100_000).default(1_440),
});
const external = PHASES.filter((phase) => !BUILT_IN_PHASES.includes(phase));

/** The `forge` section of mcp-servers.json. */
const forgeSchema = z.strictObject({
  models: z.array(text).max(100).default([]),
  phases: z.partialRecord(z.enum(external, `expected one of ${external.join(', ')}`), command).default({}),
  scoring: z.record(z.string().regex(/^[a-z][a-z0-9_-]{0,47}$/), command).default({}),
});

export const NO_FORGE_RULES: ForgeRules = { models: [], phases: new Map(), scoring: new Map() };

/**
 * @param section the `forge` section, or undefined: then only what needs no command runs
 * @param folder what relative paths are relative to
 * @throws ForgeRulesError with every mistake found
 */
export function readForgeRules(section: unknown, folder: string): ForgeRules {
  if (section === undefined) return NO_FORGE_RULES;
  const parsed = forgeSchema.safeParse(section);
  if (!parsed.success) {
    throw new ForgeRulesError(
      parsed.error.issues.map(({ path: steps, message }) => ({
        path: steps.map((step) => (typeof step === 'number' ? step : String(step))),
        text: message,
      })),
    );
  }
  const resolve = (item: string): string => (/^\.\.?\//.test(item) ? path.resolve(folder, item) : item);
  const toCommand = ({ command: file, args, timeout_minutes }: z.output<typeof command>): ForgeCommand => ({
    command: resolve(file),
    args: args.map(resolve),
    timeoutMs: Math.round(timeout_minutes * 60_000),
  });
  const { models, phases, scoring } = parsed.data;
  return {
    models: models.map((item) => path.resolve(folder, item)),
    phases: new Map(Object.entries(phases).map(([name, each]) => [name, toCommand(each)])),
    scoring: new Map(Object.entries(scoring).map(([name, each]) => [name, toCommand(each)])),
  };
}
