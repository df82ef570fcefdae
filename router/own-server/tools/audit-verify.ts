/** The tool `audit_verify` (D2). */
import { z } from 'zod';
import { defineTool } from '../../../shared/tool.ts';
import { createVerifier } from '../../audit/verify-aside.ts';
import type { OwnServerDeps } from '../deps.ts';

export const auditVerify = ({ dataDir, checkpointDir }: OwnServerDeps) => {
  const verify = createVerifier({ dataDir, checkpointDir });
  return defineTool({
    name: 'audit_verify',
    title: 'Verify the audit',
    description:
      'Proves that no record of the audit was changed, removed or added: walks the whole chain against its signed checkpoints. Choose it before you rely on what audit_query shows. Returns how many records were verified, or the first one that is bad and why. A long audit takes seconds.',
    input: z.strictObject({}),
    output: z.object({
      verified: z.boolean(),
      records: z.int().min(0).nullable().describe('How many were verified'),
      first_bad: z.int().min(0).nullable().describe('The seq of the first record that is bad or missing'),
      why: z.string().max(2_000).nullable().describe('What is wrong with it'),
    }),
    annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false },
    handler: async () => {
      const found = await verify();
      return found.ok
        ? { verified: true, records: found.records, first_bad: null, why: null }
        : { verified: false, records: null, first_bad: found.seq, why: found.why.slice(0, 2_000) };
    },
  });
};
