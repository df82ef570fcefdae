import { z } from 'zod';
import { defineTool } from '../../../shared/tool.ts';
import { reviewOf } from '../../definitions/guard.ts';
import type { OwnServerDeps } from '../deps.ts';

const line = z.string().max(5_000);

export const definitionReview = ({ router }: OwnServerDeps) =>
  defineTool({
    name: 'definition_review',
    title: 'Definitions that wait for an approval',
    description:
      'Shows which tools, prompts and server instructions are withheld because their definition changed or looks suspicious, with what was found and the difference to what was approved. Choose it when a tool of a server is missing, and before definition_approve. Returns one entry for each, with the digest that an approval names.',
    input: z.strictObject({ server: z.string().min(1).max(64).optional().describe('Of this server only') }),
    output: z.object({
      waiting: z
        .array(
          z.object({
            server: z.string().max(64),
            list: z.string().max(20),
            name: line,
            why: z.enum(['definition_changed', 'suspicious', 'unapproved']),
            digest: z.string().max(64),
            findings: z.array(line).max(60),
            difference: z.array(line).max(101).describe('+ added, - removed, ~ changed'),
          }),
        )
        .max(200),
      more: z.number().int().min(0).max(1_000_000).describe('How many are not shown here'),
    }),
    annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false },
    handler: async ({ server }) => {
      const all = router.definitions.waiting().filter((pin) => server === undefined || pin.server === server);
      const shown = all.slice(0, 200).map(reviewOf);
      return {
        waiting: shown.map(({ findings, difference, name, ...rest }) => ({
          ...rest,
          name: name.slice(0, 5_000),
          findings: findings.map((each) => each.slice(0, 5_000)),
          difference: [...difference],
        })),
        more: all.length - shown.length,
      };
    },
  });
