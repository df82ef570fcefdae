import { defineTool } from '../../../shared/tool.ts';
import { orderStop } from '../../stop/order.ts';
import { shutdownInput, stopOutput, toStopOutput } from '../../stop/stop-schema.ts';
import type { OwnServerDeps } from '../deps.ts';

export const emergencySystemShutdown = ({ router }: OwnServerDeps) =>
  defineTool({
    name: 'emergency_system_shutdown',
    title: 'Stop everything',
    description:
      'Stops all calls at once, or those of one server, tool or agent: no call starts, those in flight are cancelled, and processes that go on are killed. Choose it when something does harm now. It holds for every router on this data folder and across restarts, until emergency_system_resume. Returns what is stopped.',
    input: shutdownInput,
    output: stopOutput,
    annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: true, openWorldHint: false },
    handler: async ({ scope, reason }, { caller }) =>
      toStopOutput(
        await orderStop(
          { stop: router.stop, audit: router.audit, now: Date.now },
          { scope, why: reason, by: caller.agentId, via: 'tool' },
        ),
      ),
  });
