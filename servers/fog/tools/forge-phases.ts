/** The tool `forge_phases` (J1). */
import { z } from 'zod';
import { BUILT_IN_PHASES, PHASES } from '../../../shared/forge-rules.ts';
import { defineTool, type Tool } from '../../../shared/tool.ts';
import type { ForgeDeps } from '../deps.ts';
import { phaseSchema } from '../forge/view.ts';

const WHAT: Readonly<Record<(typeof PHASES)[number], { readonly does: string; readonly takes: string }>> = {
  Cognate: { does: 'Makes a first model', takes: 'whatever its command reads from parameters.json' },
  EvoMerge: {
    does: 'Searches the weights with which given models are added up, by their score',
    takes: 'models (2 to 16), scoring (a name of the configuration), generations, population, seed',
  },
  'Quiet-STaR': { does: 'Trains reasoning', takes: 'model, and whatever its command reads' },
  BitNet: { does: 'Makes every weight -1, 0 or 1 times a scale, and tells the error', takes: 'model' },
  'Forge Training': { does: 'Trains the model', takes: 'model, and whatever its command reads' },
  'Tool/Persona': { does: 'Trains the use of tools and a persona', takes: 'model, and whatever its command reads' },
  ADAS: { does: 'Searches agent designs', takes: 'model, and whatever its command reads' },
  'Final Compression': { does: 'Makes 8-bit weights with a scale for each row, and packs the file', takes: 'model' },
};

export function forgePhases({ forge }: Pick<ForgeDeps, 'forge'>): Tool {
  return defineTool({
    name: 'forge_phases',
    title: 'Phases of the forge',
    description:
      'Lists the phases through which the Agent Forge takes a model, in their order: what each does, what it takes, and whether it ' +
      'can run here. Look here before forge_start_training. Returns the phases and the names of the scoring commands.',
    input: z.strictObject({}),
    output: z.object({
      phases: z
        .array(
          z.object({
            phase_name: phaseSchema,
            does: z.string().max(200),
            parameters: z.string().max(200),
            built_in: z.boolean(),
            configured: z.boolean().describe('False: the phase says "not_configured" and does nothing'),
          }),
        )
        .max(20),
      scoring: z.array(z.string().max(64)).max(1_000),
    }),
    annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false },
    async handler() {
      const { phases, scoring } = forge();
      return {
        phases: PHASES.map((phase) => {
          const isBuiltIn = BUILT_IN_PHASES.includes(phase);
          return {
            phase_name: phase,
            does: WHAT[phase].does,
            parameters: WHAT[phase].takes,
            built_in: isBuiltIn,
            configured: phase === 'EvoMerge' ? scoring.size > 0 : isBuiltIn || phases.has(phase),
          };
        }),
        scoring: [...scoring.keys()].slice(0, 1_000),
      };
    },
  });
}
