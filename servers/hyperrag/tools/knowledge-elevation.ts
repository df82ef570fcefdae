/** The tool `knowledge_elevation` (H7). */
import { z } from 'zod';
import { AppError } from '../../../shared/errors.ts';
import { defineTool, type Tool } from '../../../shared/tool.ts';
import type { HyperragDeps } from '../deps.ts';
import { chunkText } from '../ingest/chunk.ts';
import { fullText, SHARED } from '../namespaces.ts';
import { digestOf } from '../store/documents.ts';
import { BOUNDS } from '../view.ts';

const MOST_CONTENT = 20_000;
const MOST_FINDINGS = 100;
const REMEDY = 'Take it out or replace it by a pseudonym such as [PERSON_3f2a90c1], then elevate again';

export function knowledgeElevation({ documents, detectPersonalData, nowMs }: HyperragDeps): Tool {
  return defineTool({
    name: 'knowledge_elevation',
    title: 'Elevate knowledge',
    description:
      'Makes a pattern or insight, already anonymised, known to the whole village: hyperrag_query of every agent finds it, with your ' +
      'confidence and you as its source. A text that still holds personal data is refused; `findings` says which kinds and where. The same content ' +
      'again is an update. For your own notes use hyperrag_memory.',
    input: z.strictObject({
      content: z.string().trim().min(1).max(MOST_CONTENT).describe('The knowledge, anonymised, in whole sentences'),
      confidence: z.number().min(0).max(1).describe('How sure it is'),
      domain: z.string().trim().min(1).max(200).describe('The field it belongs to'),
      privacy_level: z.enum(['anonymized', 'public']).describe('public: it was never about persons'),
    }),
    output: z.object({
      accepted: z.boolean(),
      knowledge_id: z.string().max(BOUNDS.id).nullable(),
      findings: z
        .array(
          z.object({
            kind: z.string().max(100).describe('What it is, such as email or person; never the value'),
            field: z.enum(['content', 'domain']),
            start: z.int().min(0).max(MOST_CONTENT),
            end: z.int().min(0).max(MOST_CONTENT),
            remedy: z.string().max(500),
          }),
        )
        .max(MOST_FINDINGS),
    }),
    annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: true, openWorldHint: false },
    async handler({ content, confidence, domain, privacy_level }, { caller }) {
      const text = content.toWellFormed();
      const found = [
        ...(await detectPersonalData(text)).map((place) => ({ field: 'content' as const, ...place })),
        ...(await detectPersonalData(domain)).map((place) => ({ field: 'domain' as const, ...place })),
      ];
      if (found.length > 0) {
        const findings = found
          .slice(0, MOST_FINDINGS)
          .map(({ kind, field, start, end }) => ({ kind, field, start, end, remedy: REMEDY }));
        return { accepted: false, knowledge_id: null, findings };
      }
      const id = `kn_${digestOf(caller.agentId, text).slice(0, 32)}`;
      const metadata = { confidence, domain, privacy_level };
      const author = { source: caller.agentId, author: caller.agentId };
      const document = { ...author, id, title: '', metadata, ttlDays: null, pieces: chunkText(text) };
      const done = documents.put({ ...document, namespace: SHARED, kind: 'knowledge' }, nowMs(), () => true);
      if (done.outcome === 'full') throw new AppError('CONFLICT', { text: fullText(done) });
      return { accepted: true, knowledge_id: id, findings: [] };
    },
  });
}
