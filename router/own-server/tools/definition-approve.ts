import { z } from 'zod';
import { defineTool } from '../../../shared/tool.ts';
import { aboutDefinition } from '../../definitions/entry.ts';
import type { OwnServerDeps } from '../deps.ts';
import { serviceId } from './service-schema.ts';

export const definitionApprove = ({ router }: OwnServerDeps) =>
  defineTool({
    name: 'definition_approve',
    title: 'Approve a definition',
    description:
      'Lets a tool, prompt or server instructions be listed again with the definition that definition_review shows. Choose it after reading the difference. Refused when the server lists yet another definition by now. Returns what was approved.',
    input: z.strictObject({
      server: serviceId,
      list: z.enum(['tools', 'prompts', 'instructions']).default('tools'),
      name: z.string().max(5_000).describe("The server's own name of it; empty for instructions"),
      digest: z.string().min(8).max(64).describe('As definition_review shows it'),
    }),
    output: z.object({ approved: z.string().max(64), at: z.string().max(40) }),
    annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: true, openWorldHint: false },
    handler: async ({ server, list, name, digest }, { caller }) => {
      const pin = router.definitions.approve(server, list, name, digest, caller.agentId);
      const approved = pin.approved?.digest ?? '';
      await router.audit.append({
        ...aboutDefinition(server, list, name, approved),
        agent: caller.agentId,
        outcome: 'ok',
        details: { list, approvedBy: caller.agentId },
      });
      return { approved, at: pin.at };
    },
  });
