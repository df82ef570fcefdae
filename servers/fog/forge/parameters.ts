/** What each phase takes: schemas of its parameters with bounds and defaults. Reads nothing else. */
import { z } from 'zod';
import { AppError } from '../../../shared/errors.ts';
import type { Phase } from '../../../shared/forge-rules.ts';
import { describeMisfit } from '../../../shared/request.ts';

const model = z.string().min(1).max(200);

export const evoMergeParameters = z
  .looseObject({
    /** What the phase before made; merged with the others. */
    model: model.optional(),
    models: z.array(model).max(16).default([]),
    scoring: z.string().max(64).optional(),
    generations: z.int().min(1).max(100).default(10),
    population: z.int().min(2).max(64).default(8),
    seed: z
      .int()
      .min(0)
      .max(2 ** 31 - 1)
      .default(1),
  })
  .transform((given) => ({
    ...given,
    models: [...new Set([...(given.model === undefined ? [] : [given.model]), ...given.models])],
  }))
  .refine(({ models }) => models.length >= 2, { path: ['models'], message: 'expected at least two models' });
export const oneModelParameters = z.looseObject({ model });
/** What the commands of the configuration take is theirs to say; they get it as JSON. */
export const commandParameters = z.looseObject({ model: model.optional() });

/** @throws AppError INVALID_PARAMS */
export function checkParameters(phase: Phase, parameters: Readonly<Record<string, unknown>>): void {
  read(
    phase === 'EvoMerge' ? evoMergeParameters : isQuantising(phase) ? oneModelParameters : commandParameters,
    phase,
    parameters,
  );
}

export function isQuantising(phase: Phase): phase is 'BitNet' | 'Final Compression' {
  return phase === 'BitNet' || phase === 'Final Compression';
}

/** @throws AppError INVALID_PARAMS */
export function read<S extends z.ZodType>(schema: S, phase: Phase, parameters: unknown): z.output<S> {
  const parsed = schema.safeParse(parameters);
  if (parsed.success) return parsed.data;
  throw new AppError('INVALID_PARAMS', {
    text: `The parameters of ${phase} do not fit. ${describeMisfit(parsed.error)}`,
  });
}
