import { AppError } from '../../../shared/errors.ts';
import { defineTool } from '../../../shared/tool.ts';
import { orderResume } from '../../stop/order.ts';
import { resumeInput, stopOutput, toStopOutput } from '../../stop/stop-schema.ts';
import type { OwnServerDeps } from '../deps.ts';

export const emergencySystemResume = ({ router }: OwnServerDeps) =>
  defineTool({
    name: 'emergency_system_resume',
    title: 'End an emergency stop',
    description:
      'Ends an emergency stop, all of them or the one of a scope. Choose it only when the cause is gone; the justification is kept. Calls that were refused or cancelled meanwhile are not made up for: whoever wants them asks again. Returns what is still stopped.',
    input: resumeInput,
    output: stopOutput,
    annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: true, openWorldHint: false },
    handler: async ({ scope, justification }, { caller }) => {
      if (scope !== undefined && !router.stop.stops.some((stop) => stop.scope === scope)) {
        throw new AppError('CONFLICT', {
          text: `Nothing is stopped by the scope ${scope}; in force are: ${router.stop.stops.map((stop) => stop.scope).join(', ') || 'none'}`,
        });
      }
      const order = { scope, why: justification, by: caller.agentId, via: 'tool' } as const;
      return toStopOutput(await orderResume({ stop: router.stop, audit: router.audit, now: Date.now }, order));
    },
  });
