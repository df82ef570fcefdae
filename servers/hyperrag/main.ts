/** Composes HyperRAG from the data folder, its settings and the real clock. */
import { randomUUID } from 'node:crypto';
import { DEFAULT_RETENTION_DAYS, followRetentionPolicy } from '../../shared/client/retention-policy.ts';
import { createRouterClient } from '../../shared/client/router-client.ts';
import { openPrivacy } from '../../shared/privacy/privacy.ts';
import { createWatches } from '../../shared/watches.ts';
import type { OpenServer, ServerEnvironment } from '../index.ts';
import type { DetectPersonalData, HyperragDeps } from './deps.ts';
import { openEmbedder } from './embedding/embedder.ts';
import { createEmbeddings } from './embedding/embeddings.ts';
import { createGraph } from './graph/walk.ts';
import { createKnowledge } from './knowledge.ts';
import { createMemories } from './memories.ts';
import { createSearchIndex } from './search-index.ts';
import { createServer } from './server.ts';
import { createContexts } from './store/contexts.ts';
import { createDocuments } from './store/documents.ts';
import { openHyperragStore } from './store/open.ts';
import { createQuestions } from './store/questions.ts';
import { createTrust } from './store/trust.ts';
import { createVectors } from './store/vectors.ts';
import { O200K } from './tokens.ts';

const DEFAULT_MAX_TOKENS = 128_000;
const SWEEP_EVERY_MS = 60_000;

export interface HyperragParts {
  /** The policy `knowledge.retention_days` as it is now. */
  readonly retentionDays?: () => number;
  /** The detectors of shared/privacy unless another is given; loaded when first asked. */
  readonly detectPersonalData?: DetectPersonalData;
  readonly nowMs?: () => number;
  /** How soon passages without a vector are looked for, and how soon a failed embedder is tried again; milliseconds. */
  readonly embeddingPace?: { readonly lookMs: number; readonly retryMs: number };
}

export const open: OpenServer = async (environment) => {
  const { router, log } = environment;
  if (router === undefined) return createServer(await openHyperrag(environment));
  const client = createRouterClient({ url: router.url, token: () => router.token(), name: 'hyperrag', log });
  const policy = followRetentionPolicy(client, log);
  const server = createServer(await openHyperrag(environment, { retentionDays: () => policy.days() }));
  const close = async (): Promise<void> => {
    policy.close();
    await server.close();
    await client.close();
  };
  return { ...server, close };
};

/** @throws StoreError with what to do */
export async function openHyperrag(
  { log, dataDir, knowledge: settings }: Pick<ServerEnvironment, 'log' | 'dataDir' | 'knowledge'>,
  {
    retentionDays = () => DEFAULT_RETENTION_DAYS,
    detectPersonalData = scanForPersonalData,
    nowMs = Date.now,
    embeddingPace,
  }: HyperragParts = {},
): Promise<HyperragDeps> {
  const store = await openHyperragStore(dataDir);
  const documents = createDocuments(store, settings?.maxPassages);
  const trust = createTrust(store);
  const newId = randomUUID;
  const choice = settings?.embedder;
  const embeddings =
    choice &&
    createEmbeddings({
      open: () => openEmbedder(choice),
      vectorsOf: (name) => createVectors(store, name),
      documents,
      nowMs,
      newId,
      log,
      ...embeddingPace,
    });
  const index = createSearchIndex(store, documents, log, () => embeddings?.vectors);
  const knowledge = createKnowledge({ index, documents, trust, embeddings, retentionDays, nowMs });
  const memories = createMemories({ documents, knowledge, trust, retentionDays, nowMs, newId });
  const watches = createWatches(store, (cause) => log.error({ cause }, 'a change of hyperrag.db could not be told'));
  const sweep = (): void => {
    try {
      memories.sweep();
    } catch (cause) {
      log.error({ cause }, 'expired memories could not be removed; it is tried again in a minute');
    }
  };
  const timer = setInterval(sweep, SWEEP_EVERY_MS).unref();
  return {
    store,
    documents,
    index,
    embeddings,
    knowledge,
    memories,
    graph: createGraph(store, documents, knowledge.isExpired),
    trust,
    questions: createQuestions(store),
    contexts: createContexts(store, settings?.maxTokens ?? DEFAULT_MAX_TOKENS),
    tokenCounter: O200K,
    watches,
    folders: settings?.folders ?? [],
    detectPersonalData,
    nowMs,
    newId,
    async close() {
      clearInterval(timer);
      watches.close();
      await embeddings?.close();
      await index.close();
      await store.close();
    },
  };
}

async function scanForPersonalData(text: string): ReturnType<DetectPersonalData> {
  const { scan } = await openPrivacy();
  return scan(text);
}
