/** The tool `twin_consent` (T5). */
import { z } from 'zod';
import { AppError } from '../../../shared/errors.ts';
import { defineTool, type Tool } from '../../../shared/tool.ts';
import type { TwinDeps } from '../deps.ts';
import { PURPOSES } from '../store/schema.ts';
import { consentSchema, purposeSchema, toConsents } from '../view.ts';

export function twinConsent({ twins, nowMs }: TwinDeps): Tool {
  return defineTool({
    name: 'twin_consent',
    title: 'Allow or withdraw',
    description:
      "Shows and changes what the caller's own twin may do: nothing leaves it without consent for that purpose, and withdrawing stops it at " +
      'once. knowledge_elevation: facts of kind knowledge may become known to all, without personal data. people_patterns: the person may ' +
      'be counted, with noise, among at least the configured number of people. Ask the person before you grant. Returns all purposes.',
    input: z.strictObject({
      action: z.enum(['list', 'grant', 'withdraw']).default('list'),
      purpose: purposeSchema.optional().describe('Needed by grant and withdraw'),
    }),
    output: z.object({ consents: z.array(consentSchema).max(PURPOSES.length) }),
    annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: true, openWorldHint: false },
    async handler({ action, purpose }, { caller }) {
      if (action === 'list') {
        const shown = await twins.use(caller.agentId, (twin) => toConsents(twin));
        return { consents: shown ?? toConsents(undefined) };
      }
      if (purpose === undefined) {
        throw new AppError('INVALID_PARAMS', {
          text: `The action ${action} needs a purpose, one of ${PURPOSES.join(', ')}; it came without`,
        });
      }
      if (action === 'grant') {
        return twins.make(caller.agentId, (twin) => {
          twin.write((now) => twin.consents.set(purpose, true, now));
          return { consents: toConsents(twin) };
        });
      }
      const shown = await twins.use(caller.agentId, (twin) => {
        // No clock may keep anybody from withdrawing.
        twin.store.transaction(() => twin.consents.set(purpose, false, nowMs()));
        return toConsents(twin);
      });
      return { consents: shown ?? toConsents(undefined) };
    },
  });
}
