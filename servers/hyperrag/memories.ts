/** Owns what agents remember (H3): stored, found again, changed, forgotten, and gone when its time is over. */

import { z } from 'zod';
import { AppError } from '../../shared/errors.ts';
import type { Caller } from '../../shared/identity/caller.ts';
import { chunkText } from './ingest/chunk.ts';
import type { Knowledge } from './knowledge.ts';
import { fullText, mayChange, namespacesToRead, namespaceToWrite } from './namespaces.ts';
import { DAY_MS, type Documents, digestOf, type StoredDocument } from './store/documents.ts';
import type { Trust } from './store/trust.ts';

export interface Memory {
  readonly id: string;
  readonly content: string;
  readonly tags: readonly string[];
  readonly namespace: string;
  readonly author: string;
  readonly createdAt: number;
  readonly updatedAt: number;
  /** As the policy is now. */
  readonly expiresAt: number;
  /** That it is true; when it was searched for, also that it is what was meant. */
  readonly confidence: number;
}

export interface MemoryChange {
  readonly content?: string | undefined;
  readonly tags?: readonly string[] | undefined;
  /** undefined leaves it as it is. */
  readonly ttlDays?: number | undefined;
}

export interface Memories {
  store(caller: Caller, given: MemoryChange & { readonly content: string }, namespace: string | undefined): Memory;
  /** @throws AppError UNKNOWN_NAME for one that is not there, expired, or another's */
  get(caller: Caller, id: string): Memory;
  search(
    caller: Caller,
    query: string,
    namespace: string | undefined,
    tags: readonly string[],
    limit: number,
  ): Promise<Memory[]>;
  update(caller: Caller, id: string, change: MemoryChange): Memory;
  forget(caller: Caller, id: string): Memory;
  list(caller: Caller, namespace: string | undefined, tags: readonly string[], limit: number): Memory[];
  /** Another text whenever this memory is another. */
  stampOf(id: string): string;
  /** Removes what expired. @returns how many */
  sweep(): number;
}

export interface MemoryParts {
  readonly documents: Documents;
  readonly knowledge: Knowledge;
  readonly trust: Trust;
  readonly retentionDays: () => number;
  readonly nowMs: () => number;
  readonly newId: () => string;
}

/** Listed ones are filtered by tag afterwards. */
const MOST_LISTED = 1_000;
const kept = z.object({ content: z.string(), tags: z.array(z.string()) });

export function createMemories(parts: MemoryParts): Memories {
  const { documents, knowledge, trust, retentionDays, nowMs, newId } = parts;

  function toMemory(document: StoredDocument, fits = 1): Memory {
    const { content, tags } = kept.parse(JSON.parse(document.metadata));
    const { namespace, source } = document;
    const [truth = 0] = trust.probabilities([{ digest: digestOf(content), statedBy: [{ namespace, source }] }]);
    return {
      id: document.document_id,
      content,
      tags,
      namespace,
      author: document.author,
      createdAt: document.created_at,
      updatedAt: document.updated_at,
      expiresAt: document.updated_at + (document.ttl_days ?? retentionDays()) * DAY_MS,
      confidence: truth * fits,
    };
  }

  function find(caller: Caller, id: string): StoredDocument {
    const found = documents.findAnywhere('memory', id);
    const mayRead = found && namespacesToRead(caller, undefined).some((namespace) => namespace === found.namespace);
    if (!mayRead || knowledge.isExpired(found)) throw new AppError('UNKNOWN_NAME', { text: `Unknown memory: ${id}` });
    return found;
  }

  function findToChange(caller: Caller, id: string): StoredDocument {
    const found = find(caller, id);
    if (mayChange(caller, found)) return found;
    throw new AppError('FORBIDDEN', { text: 'A shared memory is changed by who stored it, or by GOVERNANCE level' });
  }

  function put(
    caller: Caller,
    id: string,
    namespace: string,
    content: string,
    tags: readonly string[],
    ttlDays: number | null,
  ) {
    const pieces = chunkText(content);
    if (pieces.length === 0) throw new AppError('INVALID_PARAMS', { text: 'A memory needs a text in `content`' });
    const author = documents.find(namespace, 'memory', id)?.author ?? caller.agentId;
    const metadata = { content, tags: [...tags] };
    const done = documents.put(
      { namespace, kind: 'memory', id, title: '', source: author, author, metadata, ttlDays, pieces },
      nowMs(),
      () => true,
    );
    if (done.outcome === 'full') throw new AppError('CONFLICT', { text: fullText(done) });
    return toMemory(find(caller, id));
  }

  const hasAll = (memory: Memory, tags: readonly string[]) => tags.every((tag) => memory.tags.includes(tag));

  return {
    store: (caller, { content, tags = [], ttlDays }, namespace) =>
      put(caller, `mem_${newId()}`, namespaceToWrite(caller, namespace), content.toWellFormed(), tags, ttlDays ?? null),
    get: (caller, id) => toMemory(find(caller, id)),
    async search(caller, query, namespace, tags, limit) {
      const found = await knowledge.search({
        query,
        limit: tags.length === 0 ? limit : MOST_LISTED / 4,
        mode: 'auto',
        minConfidence: 0,
        namespaces: namespacesToRead(caller, namespace),
        kinds: ['memory'],
        asker: `agent/${caller.agentId}`,
      });
      const memories = new Map<string, Memory>();
      for (const { passage, relevance } of found) {
        const memory = toMemory(passage.document, relevance);
        if (!memories.has(memory.id) && hasAll(memory, tags)) memories.set(memory.id, memory);
      }
      return [...memories.values()].slice(0, limit);
    },
    update(caller, id, { content, tags, ttlDays }) {
      const old = findToChange(caller, id);
      const before = toMemory(old);
      const text = content?.toWellFormed() ?? before.content;
      return put(caller, id, old.namespace, text, tags ?? before.tags, ttlDays ?? old.ttl_days);
    },
    forget(caller, id) {
      const old = findToChange(caller, id);
      documents.remove(old.key);
      return toMemory(old);
    },
    list: (caller, namespace, tags, limit) =>
      documents
        .list('memory', namespacesToRead(caller, namespace), MOST_LISTED)
        .filter((document) => !knowledge.isExpired(document))
        .map((document) => toMemory(document))
        .filter((memory) => hasAll(memory, tags))
        .slice(0, limit),
    stampOf(id) {
      const found = documents.findAnywhere('memory', id);
      return found ? `${found.digest}:${found.updated_at}:${found.ttl_days}` : 'gone';
    },
    sweep: () => documents.expire('memory', nowMs(), retentionDays()),
  };
}
