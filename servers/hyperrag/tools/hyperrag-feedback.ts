/** The tool `hyperrag_feedback` (H5). */
import { z } from 'zod';
import { AppError } from '../../../shared/errors.ts';
import type { Caller } from '../../../shared/identity/caller.ts';
import { defineTool, type Tool } from '../../../shared/tool.ts';
import type { HyperragDeps } from '../deps.ts';
import { namespacesToRead, ownNamespace, SHARED } from '../namespaces.ts';
import type { StoredPassage } from '../store/documents.ts';
import { foldQuestion } from '../store/questions.ts';
import { askerOf, BOUNDS, passageIdSchema, passageKey, rounded } from '../view.ts';

const share = z.number().min(0).max(1);
const weight = z.number().min(0).max(BOUNDS.maxCount);
/** How deep the question is asked again to find the hit that is judged. */
const DEPTH = 100;

export function hyperragFeedback({ documents, knowledge, trust, nowMs }: HyperragDeps): Tool {
  function find(caller: Caller, id: string): StoredPassage {
    const [passage] = documents.passages([passageKey(id)]);
    const isVisible =
      passage && namespacesToRead(caller, undefined).some((each) => each === passage.document.namespace);
    if (!isVisible || knowledge.isExpired(passage.document)) {
      throw new AppError('UNKNOWN_NAME', { text: `Unknown passage: ${id}` });
    }
    return passage;
  }

  async function noteFit(caller: Caller, passage: StoredPassage, query: string | undefined, fitted: boolean) {
    if (query === undefined)
      throw new AppError('INVALID_PARAMS', { text: 'This verdict needs the query that found it' });
    const found = await knowledge.search({
      query,
      limit: DEPTH,
      mode: 'auto',
      minConfidence: 0,
      namespaces: namespacesToRead(caller, undefined),
      kinds: ['document', 'knowledge', 'memory'],
      asker: askerOf(caller),
    });
    const hit = found.find((each) => each.passage.digest === passage.digest);
    if (!hit) throw new AppError('INVALID_PARAMS', { text: 'This query does not find that passage' });
    trust.noteFit(ownNamespace(caller), foldQuestion(query), passage.digest, hit.logit, fitted, nowMs());
  }

  function judge(caller: Caller, passage: StoredPassage, evidence: StoredPassage | undefined, supports: boolean) {
    const { namespace, source, author } = passage.document;
    const witness = evidence?.document.source ?? caller.agentId;
    const isOwn = evidence === undefined && namespace === SHARED && author === caller.agentId;
    if (witness === source || isOwn) {
      throw new AppError('INVALID_PARAMS', {
        text: 'A source is no witness to itself; name `evidence_passage_id` from another source',
      });
    }
    trust.judge({ namespace, claim: passage.digest, source, witness, supports }, nowMs());
  }

  return defineTool({
    name: 'hyperrag_feedback',
    title: 'Judge a passage',
    description:
      'Says what a passage was worth, so that later confidence is right. supports / contradicts: it is true / not true, by your own ' +
      'knowledge or by another passage (evidence_passage_id); the trust in its source follows. relevant / irrelevant: it did / did not ' +
      'answer `query`. One judgement of yours on a passage counts, the newest. Returns how likely the claim is now and how reliable its source.',
    input: z.strictObject({
      passage_id: passageIdSchema.describe('From a result of hyperrag_query'),
      verdict: z.enum(['supports', 'contradicts', 'relevant', 'irrelevant']),
      evidence_passage_id: passageIdSchema.optional().describe('The passage that supports or contradicts it'),
      query: z
        .string()
        .trim()
        .min(1)
        .max(BOUNDS.query)
        .optional()
        .describe('With relevant and irrelevant: the question'),
    }),
    output: z.object({
      passage_id: passageIdSchema,
      source: z.string().max(BOUNDS.id),
      claim_probability: share,
      source_reliability: z.object({ mean: share, right: weight, wrong: weight }),
    }),
    annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: true, openWorldHint: false },
    async handler({ passage_id, verdict, evidence_passage_id, query }, { caller }) {
      const passage = find(caller, passage_id);
      const evidence = evidence_passage_id === undefined ? undefined : find(caller, evidence_passage_id);
      if (verdict === 'relevant' || verdict === 'irrelevant') {
        await noteFit(caller, passage, query, verdict === 'relevant');
      } else judge(caller, passage, evidence, verdict === 'supports');
      const { namespace, source } = passage.document;
      const { digest } = passage;
      const statedBy = documents.claimants([digest], namespacesToRead(caller, undefined)).get(digest) ?? [];
      const [probability = 0] = trust.probabilities([{ digest, statedBy }]);
      const { mean, right, wrong } = trust.reliabilityOf(namespace, source);
      return {
        passage_id,
        source,
        claim_probability: rounded(probability),
        source_reliability: { mean: rounded(mean), right: rounded(right), wrong: rounded(wrong) },
      };
    },
  });
}
