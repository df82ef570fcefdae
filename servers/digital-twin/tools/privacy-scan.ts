/** The tool `privacy_scan` (T4). */
import { createHmac, randomBytes } from 'node:crypto';
import { z } from 'zod';
import { KINDS } from '../../../shared/privacy/findings.ts';
import { createPseudonyms } from '../../../shared/privacy/pseudonyms.ts';
import { defineTool, type Tool } from '../../../shared/tool.ts';
import type { TwinDeps } from '../deps.ts';
import { BOUNDS, rounded, share } from '../view.ts';

const MOST_FINDINGS = 200_000;
/** A pseudonym may be longer than what it stands for. */
const MOST_GROWTH = 8;

export function privacyScan({ twins, privacy }: TwinDeps): Tool {
  // For who has no twin: theirs until this process ends.
  const ofProcess = randomBytes(32);

  return defineTool({
    name: 'privacy_scan',
    title: 'Find personal data',
    description:
      'Finds personal data in a text (mail addresses, phones, cards, IBANs, national ids, IP and MAC addresses, secrets, street ' +
      'addresses, dates of birth, names) and replaces it by pseudonyms, the same value always by the same one for you. Choose it before ' +
      'you send a text to somebody. Returns `findings` with kind, place (UTF-16 units) and confidence, never the value, and ' +
      '`anonymized_text`. English, German, French and Spanish.',
    input: z.strictObject({
      text: z.string().max(BOUNDS.scanned),
      replace: z.boolean().default(true).describe('false only finds'),
    }),
    output: z.object({
      findings: z
        .array(
          z.object({
            kind: z.enum(KINDS),
            start: z.int().min(0).max(BOUNDS.scanned),
            end: z.int().min(0).max(BOUNDS.scanned),
            confidence: share,
            pseudonym: z.string().max(40).nullable(),
          }),
        )
        .max(MOST_FINDINGS),
      anonymized_text: z
        .string()
        .max(BOUNDS.scanned * MOST_GROWTH)
        .nullable(),
    }),
    annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false },
    async handler({ text, replace }, { caller }) {
      const { scan, anonymise } = await privacy();
      if (!replace) {
        const findings = scan(text).map((finding) => toFinding(finding, null));
        return { findings, anonymized_text: null };
      }
      const own = await twins.use(caller.agentId, ({ pseudonyms }) => pseudonyms);
      const key = createHmac('sha256', ofProcess).update(caller.agentId).digest();
      const { text: anonymized_text, findings } = anonymise(text, own ?? createPseudonyms(key));
      return { findings: findings.map((finding) => toFinding(finding, finding.pseudonym)), anonymized_text };
    },
  });
}

type Place = { readonly kind: (typeof KINDS)[number]; readonly start: number; readonly end: number };

function toFinding({ kind, start, end, confidence }: Place & { confidence: number }, pseudonym: string | null) {
  return { kind, start, end, confidence: rounded(confidence), pseudonym };
}
