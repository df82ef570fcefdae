import { z } from 'zod';
import { AppError } from '../../../shared/errors.ts';
import { LEVELS } from '../../../shared/identity/levels.ts';
import { permits } from '../../../shared/identity/roles.ts';
import type { Rights } from '../../../shared/matrix/decide.ts';
import { defineTool } from '../../../shared/tool.ts';
import type { OwnServerDeps } from '../deps.ts';

/** Who may ask about others, and about what they cannot see themselves: whoever may read the audit. */
export function mayAskAboutAll(rights: Rights): boolean {
  return rights.level >= LEVELS.GOVERNANCE && permits(rights.permissions, 'audit:read');
}

export const permissionExplain = ({ router, rightsOf }: OwnServerDeps) =>
  defineTool({
    name: 'permission_explain',
    title: 'Explain a permission',
    description:
      'Says whether a call would be allowed, which row of the permission matrix decides and why, without running it. Choose it after a refusal, or before a call that may need a justification or an approval. Asking about other agents needs level GOVERNANCE and audit:read.',
    input: z.strictObject({
      tool: z.string().min(1).max(300).describe('The tool as it is listed'),
      agent_id: z.string().min(1).max(256).optional().describe('Whose rights; your own when left out'),
      arguments: z
        .record(z.string().max(1_000), z.unknown())
        .optional()
        .describe('Arguments of the call, where rules look at them'),
    }),
    output: z.object({
      decision: z.enum(['allowed', 'approval_required', 'denied']),
      row: z.string().max(10_000).nullable().describe('The row that decides'),
      reasons: z.array(z.string().max(2_000)).max(100),
    }),
    annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false },
    handler: async ({ tool, agent_id, arguments: args }, { caller }) => {
      const all = mayAskAboutAll(caller);
      const asked =
        agent_id === undefined || agent_id === caller.agentId
          ? caller
          : all
            ? otherRights(agent_id, rightsOf)
            : undefined;
      if (asked === undefined)
        throw new AppError('FORBIDDEN', { text: 'Only GOVERNANCE with audit:read may ask about other agents' });
      const entry = router.catalog.view(undefined).lists.tools.get(tool);
      const unknown = {
        decision: 'denied',
        row: null,
        reasons: [`there is no tool ${tool}, or ${asked.agentId} may not know of it`],
      } as const;
      if (entry === undefined || (!all && !router.matrix.visible(asked, entry.target)))
        return { ...unknown, reasons: [...unknown.reasons] };
      const { decision, row, reasons } = router.matrix.explain(asked, entry.target, args);
      return {
        decision,
        row: row === undefined ? null : JSON.stringify(row),
        reasons: reasons.slice(0, 100).map((reason) => reason.slice(0, 2_000)),
      };
    },
  });

function otherRights(agentId: string, rightsOf: OwnServerDeps['rightsOf']): Rights {
  const rights = rightsOf(agentId);
  if (rights === undefined) throw new AppError('INVALID_PARAMS', { text: `No agent ${agentId} is configured` });
  return { agentId, ...rights };
}
