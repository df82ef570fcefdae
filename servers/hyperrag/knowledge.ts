/**
 * Answers a question from the index and the store: ranks, leaves out what expired, joins the same claim from several sources,
 * and gives each hit its confidence and the path that led to it (H2, H5). Searches only the namespaces it is told.
 */
import { z } from 'zod';
import type { Hit, Mode, Path } from '../../shared/retrieval/retriever.ts';
import { fitLogit, relevance } from './confidence.ts';
import type { Embeddings } from './embedding/embeddings.ts';
import { groupOf, type SearchIndex } from './search-index.ts';
import { DAY_MS, type Documents, type StoredDocument, type StoredPassage } from './store/documents.ts';
import type { Kind } from './store/schema.ts';
import type { Trust } from './store/trust.ts';

export interface Asked {
  readonly query: string;
  readonly limit: number;
  readonly mode: Mode;
  /** 0 … 1. */
  readonly minConfidence: number;
  readonly namespaces: readonly string[];
  readonly kinds: readonly Kind[];
  /** Whose experience the confidence is calibrated by. */
  readonly asker: string;
}

/** One step of a path: why this passage was looked at. */
export interface Step {
  readonly by: Path['kind'];
  readonly passage: StoredPassage;
  readonly terms: readonly string[];
  /** The name in the question, or that led here from the step before. */
  readonly name: string | undefined;
}

export interface Found {
  readonly passage: StoredPassage;
  readonly score: number;
  /** That it answers the question and is true. */
  readonly confidence: number;
  readonly relevance: number;
  readonly truth: number;
  /** All sources that state the very same, this passage's first. */
  readonly sources: readonly string[];
  /** From what the question itself found to this passage. */
  readonly path: readonly Step[];
  /** For `noteFit`. */
  readonly logit: number;
}

export interface Knowledge {
  search(asked: Asked): Promise<Found[]>;
  isExpired(document: StoredDocument): boolean;
}

export interface KnowledgeParts {
  readonly index: SearchIndex;
  readonly documents: Documents;
  readonly trust: Trust;
  readonly embeddings: Embeddings | undefined;
  readonly retentionDays: () => number;
  readonly nowMs: () => number;
}

/** Looked at beyond what is asked for: some are gone, expired, or say the same. */
const SPARE = 10;
const MOST_HITS = 1_000;
const LONGEST_PATH = 4;

export function createKnowledge({
  index,
  documents,
  trust,
  embeddings,
  retentionDays,
  nowMs,
}: KnowledgeParts): Knowledge {
  function isExpired({ kind, ttl_days, updated_at }: StoredDocument): boolean {
    const days = ttl_days ?? (kind === 'memory' ? retentionDays() : undefined);
    return days !== undefined && updated_at + days * DAY_MS <= nowMs();
  }

  return {
    isExpired,
    async search({ query, limit, mode, minConfidence, namespaces, kinds, asker }) {
      const [retriever, vector] = await Promise.all([
        mode === 'vector' ? index.learnt() : index.ready(),
        mode === 'vector' || mode === 'auto' ? embeddings?.query(query) : undefined,
      ]);
      const groups = kinds.flatMap((kind) => namespaces.map((namespace) => groupOf(kind, namespace)));
      const hits = retriever.search(query, {
        limit: Math.min(MOST_HITS, limit * 2 + SPARE),
        mode,
        groups,
        ...(vector && { vector }),
      });
      const allowed = new Set(namespaces);
      const rows = new Map<string, StoredPassage>();
      for (const row of documents.passages(hits.map(({ id }) => Number(id)))) {
        if (allowed.has(row.document.namespace) && !isExpired(row.document)) rows.set(String(row.key), row);
      }
      const byId = new Map(hits.map((hit) => [hit.id, hit]));
      const calibration = trust.calibrationOf(asker);
      const first = new Map<string, { hit: Hit; passage: StoredPassage }>();
      for (const hit of hits) {
        const passage = rows.get(hit.id);
        if (passage && !first.has(passage.digest)) first.set(passage.digest, { hit, passage });
      }
      // The same claim from another source is no rival of it.
      const rivals = [...first.values()].map(({ hit }) => hit);
      const statements = documents.claimants([...first.keys()], namespaces);
      const claims = [...statements].map(([digest, statedBy]) => ({ digest, statedBy }));
      const truths = new Map(trust.probabilities(claims).map((truth, n) => [claims[n]!.digest, truth]));
      const found = [...first].map(([digest, { hit, passage }], at): Found => {
        const truth = (truths.get(digest) ?? 0) * statedConfidence(passage.document);
        const logit = fitLogit(rivals, at);
        const fits = relevance(logit, calibration);
        const sources = new Set([passage.document.source, ...statements.get(digest)!.map(({ source }) => source)]);
        return {
          passage,
          score: hit.score * truth,
          confidence: fits * truth,
          relevance: fits,
          truth,
          sources: [...sources],
          path: pathTo(hit, byId, rows),
          logit,
        };
      });
      found.sort((a, b) => b.score - a.score);
      return found.filter(({ confidence }) => confidence >= minConfidence).slice(0, limit);
    },
  };
}

/** Elevated knowledge says itself how sure it is; whatever else is stored is meant as it stands. */
function statedConfidence({ kind, metadata }: StoredDocument): number {
  if (kind !== 'knowledge') return 1;
  const parsed = z.looseObject({ confidence: z.number().min(0).max(1) }).safeParse(JSON.parse(metadata));
  return parsed.success ? parsed.data.confidence : 0;
}

/** Back from a hit along the names, as far as the passages on the way are known, in the order of the walk. */
function pathTo(hit: Hit, byId: ReadonlyMap<string, Hit>, rows: ReadonlyMap<string, StoredPassage>): Step[] {
  const steps: Step[] = [];
  const seen = new Set<string>();
  for (let at: Hit | undefined = hit; at && steps.length < LONGEST_PATH && !seen.has(at.id); ) {
    seen.add(at.id);
    const passage = rows.get(at.id);
    if (!passage) break;
    const { path }: Hit = at;
    const name = path.kind === 'entity' ? path.entity : path.kind === 'name' ? path.name : undefined;
    steps.unshift({ by: path.kind, passage, terms: path.kind === 'terms' ? path.terms : [], name });
    at = path.kind === 'entity' ? byId.get(path.from) : undefined;
  }
  return steps;
}
