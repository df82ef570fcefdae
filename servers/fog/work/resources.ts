/** The resources of nodes and jobs; all tell of changes. A job is shown to whoever ordered it, and to level GOVERNANCE. */
import { z } from 'zod';
import type { Caller } from '../../../shared/identity/caller.ts';
import { LEVELS } from '../../../shared/identity/levels.ts';
import { unknownTarget } from '../../../shared/request.ts';
import { defineResource, defineResourceTemplate, type Resource } from '../../../shared/resource.ts';
import type { WorkDeps } from '../deps.ts';
import { readResources } from './resources-view.ts';
import { jobId, mayManage, nodeId, toJobView, toNodeView } from './view.ts';
import { stampOf } from './waiting.ts';
import type { WorkRow } from './work-reads.ts';

const NEWEST = 50;

export function workResources(deps: WorkDeps): readonly Resource[] {
  const { nodes, work, watches } = deps;
  /** Another's job is as unknown as none. */
  function findJob(id: string, caller: Caller): WorkRow {
    const row = work.get(id);
    if (row?.kind === 'job' && mayManage(caller, row)) return row;
    throw unknownTarget({ kind: 'resource', uri: `fog://jobs/${id}` });
  }

  return [
    defineResource({
      uri: 'fog://resources',
      name: 'resources',
      title: 'Fog resources',
      description:
        'The nodes that are up with what they offer, what is used and what they measure, and the sums. Updated when a node or its work changes.',
      mimeType: 'application/json',
      read: async () => ({ json: readResources(deps, false) }),
      watch: (onUpdate) => watches.watch(() => nodes.stampOf(), onUpdate),
    }),
    defineResource({
      uri: 'fog://jobs',
      name: 'jobs',
      title: 'Your newest jobs',
      description: `Your newest ${NEWEST} jobs, the last one first, with their status and where they ran. Level GOVERNANCE sees those of all.`,
      mimeType: 'application/json',
      async read({ caller }) {
        const filter = caller.level >= LEVELS.GOVERNANCE ? {} : { agent: caller.agentId };
        return { json: { jobs: work.list('job', filter, NEWEST).map((row) => toJobView(row, deps)) } };
      },
    }),
    defineResourceTemplate({
      uriTemplate: 'fog://nodes/{id}',
      variables: z.strictObject({ id: nodeId }),
      name: 'node',
      title: 'One fog node',
      description:
        'A node with what it offers, what is used, what it measures and when it was last seen. Updated with its changes.',
      mimeType: 'application/json',
      async read({ id }) {
        const node = nodes.get(id);
        if (node === undefined) throw unknownTarget({ kind: 'resource', uri: `fog://nodes/${id}` });
        return { json: toNodeView(node) };
      },
      watch: (onUpdate, { id }) => watches.watch(() => nodes.stampOf(id), onUpdate),
    }),
    defineResourceTemplate({
      uriTemplate: 'fog://jobs/{id}',
      variables: z.strictObject({ id: jobId }),
      name: 'job',
      title: 'One fog job',
      description:
        'A job with its status, progress, what it used and every lease that it had. Updated with each of its changes.',
      mimeType: 'application/json',
      read: async ({ id }, { caller }) => ({ json: toJobView(findJob(id, caller), deps) }),
      watch(onUpdate, { id }, { caller }) {
        findJob(id, caller);
        return watches.watch(() => stampOf(work.get(id)), onUpdate);
      },
    }),
  ];
}
