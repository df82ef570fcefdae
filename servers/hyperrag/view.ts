/** How HyperRAG shows things to callers: shapes with their bounds, and the one way each is printed. */
import { z } from 'zod';
import type { Caller } from '../../shared/identity/caller.ts';
import type { HyperragDeps } from './deps.ts';
import type { Found, Step } from './knowledge.ts';
import type { Memory } from './memories.ts';
import { namespaceName } from './namespaces.ts';
import type { ContextEntry } from './store/contexts.ts';
import type { StoredPassage } from './store/documents.ts';

export const BOUNDS = {
  query: 4_000,
  namespace: 256,
  id: 600,
  title: 600,
  text: 4_000,
  memory: 32_000,
  tag: 100,
  tags: 20,
  context: 600_000,
  maxCount: 1_000_000_000,
} as const;

export const namespaceSchema = z
  .string()
  .min(1)
  .max(BOUNDS.namespace)
  .optional()
  .describe('Leave out for your own and, when reading, the shared one too; "shared" for what all may read');

export const passageIdSchema = z
  .string()
  .regex(/^p\d{1,15}$/)
  .max(16);
const time = z.iso.datetime().max(40);
const share = z.number().min(0).max(1);
const count = z.int().min(0).max(BOUNDS.maxCount);

const stepSchema = z.object({
  by: z.enum(['terms', 'name', 'entity', 'neighbours', 'vector']),
  passage_id: passageIdSchema,
  title: z.string().max(BOUNDS.title),
  terms: z.array(z.string().max(100)).max(64),
  name: z.string().max(200).nullable(),
});

export const resultSchema = z.object({
  passage_id: passageIdSchema,
  document_id: z.string().max(BOUNDS.id),
  title: z.string().max(BOUNDS.title),
  heading: z.string().max(BOUNDS.title),
  text: z.string().max(BOUNDS.text),
  score: z.number().min(0).max(1_000_000),
  confidence: share,
  source: z.string().max(BOUNDS.id).describe('With `#page=` and its number where it has pages'),
  sources: z.array(z.string().max(BOUNDS.id)).max(101),
  kind: z.enum(['document', 'memory', 'knowledge']),
  namespace: z.string().max(BOUNDS.namespace),
  path: z.array(stepSchema).max(8),
});

export function toResult({ passage, score, confidence, sources, path }: Found): z.input<typeof resultSchema> {
  const { document, page } = passage;
  return {
    ...toPassageView(passage),
    score: rounded(score),
    confidence: rounded(confidence),
    source: page === null ? document.source : `${document.source}#page=${page}`,
    sources: [...sources],
    kind: document.kind,
    namespace: namespaceName(document.namespace),
    path: path.map(toStep),
  };
}

export const passageSchema = resultSchema.pick({
  passage_id: true,
  document_id: true,
  title: true,
  heading: true,
  text: true,
});

export function toPassageView({ key, heading, text, document }: StoredPassage): z.input<typeof passageSchema> {
  return { passage_id: passageId(key), document_id: document.document_id, title: document.title, heading, text };
}

export function passageId(key: number): string {
  return `p${key}`;
}

export function passageKey(id: string): number {
  return Number(id.slice(1));
}

function toStep({ by, passage, terms, name }: Step): z.input<typeof stepSchema> {
  return {
    by,
    passage_id: passageId(passage.key),
    title: passage.document.title,
    terms: [...terms],
    name: name ?? null,
  };
}

export const tagsSchema = z.array(z.string().min(1).max(BOUNDS.tag)).max(BOUNDS.tags);

export const memorySchema = z.object({
  memory_id: z.string().max(BOUNDS.id),
  content: z.string().max(BOUNDS.memory),
  tags: tagsSchema,
  namespace: z.string().max(BOUNDS.namespace),
  author: z.string().max(BOUNDS.namespace),
  created_at: time,
  updated_at: time,
  expires_at: time,
  confidence: share,
});

export function toMemoryView(memory: Memory): z.input<typeof memorySchema> {
  return {
    memory_id: memory.id,
    content: memory.content,
    tags: [...memory.tags],
    namespace: namespaceName(memory.namespace),
    author: memory.author,
    created_at: isoTime(memory.createdAt),
    updated_at: isoTime(memory.updatedAt),
    expires_at: isoTime(memory.expiresAt),
    confidence: rounded(memory.confidence),
  };
}

/** A text, or any JSON object. */
export const contextValueSchema = z.union([z.string().max(BOUNDS.context), z.record(z.string().max(200), z.json())]);

const contextEntrySchema = z.object({
  context_id: z.string().max(BOUNDS.id),
  context: contextValueSchema,
  source: z.string().max(BOUNDS.id),
  priority: z.int().min(1).max(10),
  tokens: count,
  version: z.int().min(1).max(BOUNDS.maxCount),
  created_at: time,
  updated_at: time,
});

function toContextView(entry: ContextEntry): z.input<typeof contextEntrySchema> {
  return {
    context_id: entry.id,
    context: contextValueSchema.parse(JSON.parse(entry.content)),
    source: entry.source,
    priority: entry.priority,
    tokens: entry.tokens,
    version: entry.version,
    created_at: isoTime(entry.created_at),
    updated_at: isoTime(entry.updated_at),
  };
}

export const contextMetadataSchema = z.object({
  total_tokens: count,
  max_tokens: count,
  entry_count: count,
  token_method: z.string().max(100).describe('How tokens are counted'),
});

/** What the answers of the context tools have in common. */
export const contextAnswer = {
  entries: z.array(contextEntrySchema).max(BOUNDS.maxCount),
  metadata: contextMetadataSchema,
};

export function toContextAnswer(
  { contexts, tokenCounter }: Pick<HyperragDeps, 'contexts' | 'tokenCounter'>,
  namespace: string,
  entries: readonly ContextEntry[],
) {
  const { tokens, count: entryCount } = contexts.totals(namespace);
  return {
    entries: entries.map(toContextView),
    metadata: {
      total_tokens: tokens,
      max_tokens: contexts.maxTokens,
      entry_count: entryCount,
      token_method: tokenCounter.method,
    },
  };
}

export function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}

export function rounded(value: number): number {
  return Math.round(value * 10_000) / 10_000;
}

/** Whose experience calibrates what this caller is told. */
export function askerOf(caller: Caller): string {
  return `agent/${caller.agentId}`;
}
