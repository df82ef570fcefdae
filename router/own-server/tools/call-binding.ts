import { bindingInput, bindingOutput } from '../../../shared/approvals.ts';
import { AppError } from '../../../shared/errors.ts';
import type { Caller } from '../../../shared/identity/caller.ts';
import { parseExact } from '../../../shared/json/exact.ts';
import { defineTool } from '../../../shared/tool.ts';
import { argumentsDigest, ticketFor } from '../../approval/binding.ts';
import { requesterOf, type Ticket } from '../../approval/ticket.ts';
import type { Entry } from '../../catalog/catalog.ts';
import { OWN_ID } from '../../config/server-entry.ts';
import { unknownName } from '../../line/resolve.ts';
import type { Router } from '../../router.ts';
import { stopped } from '../../stop/stops.ts';
import type { OwnServerDeps } from '../deps.ts';

/** The one tool by which actions are proposed: only during such a call may its caller be asked about. */
const PROPOSING = 'governance_proposal';

export const callBinding = ({ router }: OwnServerDeps) =>
  defineTool({
    name: 'call_binding',
    title: 'What a call would be',
    description:
      'Between the governance server and the router: what a proposed or approved call would be at this moment, for its requester, and the seal on it. Runs nothing.',
    input: bindingInput,
    output: bindingOutput,
    annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false },
    handler: async ({ by, arguments_text }, { caller: executor }) => {
      const { requester, entry, justification } =
        'ticket' in by
          ? await sealed(router, router.tickets.open(by.ticket), arguments_text, executor.agentId)
          : proposed(router, by, executor.agentId);
      const decision = router.matrix.decide(requester, entry.target, {
        justification,
        arguments: () => parseExact(arguments_text),
      });
      if (!decision.allowed) {
        if (!decision.visible) throw unknownName('tool', entry.name);
        throw new AppError('INVALID_PARAMS', { text: `Not allowed this way: ${decision.reasons.join('; ')}` });
      }
      refuseStopped(router, entry, requester);
      const ticket = ticketFor(requester, entry, decision.row, arguments_text, justification);
      return {
        caller: requester.agentId,
        server_id: ticket.serverId,
        own_name: ticket.tool,
        tool: entry.target.kind === 'tool' ? entry.target.listedName : entry.name,
        definition_digest: ticket.definitionDigest,
        row_digest: ticket.rowDigest,
        ticket: router.tickets.seal(ticket),
        approval: decision.approval ?? null,
      };
    },
  });

interface Asked {
  readonly requester: Caller;
  readonly entry: Entry;
  readonly justification: string;
}

/** Who proposes it is the caller of the very request that the governance server is answering, and nobody it could name. */
function proposed(
  router: Router,
  { correlation_id, tool, justification }: { correlation_id: string; tool: string; justification: string },
  executor: string,
): Asked {
  for (const session of router.sessions.all()) {
    for (const call of session.calls.values()) {
      if (call.correlationId !== correlation_id) continue;
      if (call.entry?.server.id !== executor || call.entry.item.own !== PROPOSING) continue;
      const entry = router.catalog.view(undefined).lists.tools.get(tool);
      if (entry === undefined || (entry.server.id === OWN_ID && isBetweenServers(entry)))
        throw unknownName('tool', tool);
      return { requester: call.caller, entry, justification };
    }
  }
  throw new AppError('SECURITY_VIOLATION', { text: 'No proposal of this caller is being made' });
}

/** What is between the router and its servers is no action. */
function isBetweenServers({ item }: Entry): boolean {
  return item.own === 'call_binding' || item.own === 'approved_call';
}

async function sealed(router: Router, ticket: Ticket, argumentsText: string, executor: string): Promise<Asked> {
  if (argumentsDigest(argumentsText) !== ticket.argumentsDigest) {
    throw new AppError('INVALID_PARAMS', { text: 'These are not the arguments that were sealed' });
  }
  const server = router.catalog.server(ticket.serverId);
  // After a restart its tools are not known before it was asked; that is no reason to take the approval back.
  if (server !== undefined && server.initialized === undefined) await server.start();
  const entry = router.catalog.view(ticket.serverId).lists.tools.get(ticket.tool);
  if (entry === undefined) throw unknownName('tool', ticket.tool);
  return { requester: requesterOf(ticket, executor), entry, justification: ticket.justification };
}

function refuseStopped(router: Router, { target, server }: Entry, { agentId }: Caller): void {
  const tool = target.kind === 'tool' ? target.listedName : undefined;
  const stop = router.stop.covering({ serverId: server.id, isRouter: server.id === OWN_ID, tool, agentId });
  if (stop !== undefined) throw stopped(stop);
}
