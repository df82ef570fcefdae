/** HyperRAG's resources: a name, a memory, the context, the figures; all tell of changes. Each shows a caller its own and the shared. */
import { z } from 'zod';
import type { Caller } from '../../shared/identity/caller.ts';
import { unknownTarget } from '../../shared/request.ts';
import { defineResource, defineResourceTemplate, type Resource } from '../../shared/resource.ts';
import type { HyperragDeps } from './deps.ts';
import { toGraphView } from './graph-view.ts';
import { namespaceName, namespacesToRead, ownNamespace } from './namespaces.ts';
import { BOUNDS, toContextAnswer, toMemoryView } from './view.ts';

const ENTITY_LIMIT = 50;

export function hyperragResources(deps: HyperragDeps): readonly Resource[] {
  const { graph, memories, contexts, documents, watches, store, embeddings } = deps;

  const figures = (caller: Caller) =>
    namespacesToRead(caller, undefined).map((namespace) => ({
      namespace: namespaceName(namespace),
      kinds: documents.counts([namespace]),
      context: contexts.totals(namespace),
    }));

  /** Which vectors searches go by, and how far those of an embedder have come. */
  const vectors = () => embeddings?.status() ?? { embedder: 'built-in' };

  return [
    defineResource({
      uri: 'hyperrag://context',
      name: 'context',
      title: 'Working context',
      description:
        'Your working context, the highest priority first, with its token count and budget. Updated with every change.',
      mimeType: 'application/json',
      async read({ caller }) {
        const namespace = ownNamespace(caller);
        return { json: toContextAnswer(deps, namespace, contexts.list(namespace, {})) };
      },
      watch: (onUpdate) => watches.watch(() => String(store.last('context')), onUpdate),
    }),
    defineResource({
      uri: 'hyperrag://stats',
      name: 'stats',
      title: 'What is known',
      description:
        'How many documents, memories, passages and context entries you can read, and how far the embedder has come. Updated ' +
        'with every change.',
      mimeType: 'application/json',
      read: async ({ caller }) => ({ json: { namespaces: figures(caller), vectors: vectors() } }),
      watch: (onUpdate) => {
        const counters = ['passage', 'removal', 'context', 'vector'] as const;
        return watches.watch(() => counters.map(store.last).join(':'), onUpdate);
      },
    }),
    defineResourceTemplate({
      uriTemplate: 'hyperrag://entity/{name}',
      variables: z.strictObject({ name: z.string().min(1).max(200) }),
      name: 'entity',
      title: 'One name',
      description:
        'A person, place or thing with its relations and the passages that hold it. Updated when those change.',
      mimeType: 'application/json',
      async read({ name }, { caller }) {
        const walk = graph.walk(name, namespacesToRead(caller, undefined), 1, ENTITY_LIMIT);
        if (!walk) throw unknownTarget({ kind: 'resource', uri: `hyperrag://entity/${encodeURIComponent(name)}` });
        return { json: toGraphView(walk) };
      },
      watch: (onUpdate, { name }) => watches.watch(() => graph.stampOf(name), onUpdate),
    }),
    defineResourceTemplate({
      uriTemplate: 'hyperrag://memory/{id}',
      variables: z.strictObject({ id: z.string().min(1).max(BOUNDS.id) }),
      name: 'memory',
      title: 'One memory',
      description: 'A memory with its tags, expiry and confidence. Updated when it is changed or forgotten.',
      mimeType: 'application/json',
      read: async ({ id }, { caller }) => ({ json: toMemoryView(memories.get(caller, id)) }),
      watch: (onUpdate, { id }) => watches.watch(() => memories.stampOf(id), onUpdate),
    }),
  ];
}
