/** The governance server's resources: proposals, each proposal, and policies; all tell of changes (G6, G7). */
import { z } from 'zod';
import { unknownTarget } from '../../shared/request.ts';
import { defineResource, defineResourceTemplate, type Resource } from '../../shared/resource.ts';
import type { GovernanceDeps } from './deps.ts';
import { idSchema, toDetail, toPolicyChangeView, toPolicyView, toSummary } from './view.ts';

const NEWEST = 50;
const CHANGES_SHOWN = 20;

export function governanceResources({ decisions, policies, changes }: GovernanceDeps): readonly Resource[] {
  return [
    defineResource({
      uri: 'governance://proposals',
      name: 'proposals',
      title: 'Proposals',
      description: `The newest ${NEWEST} proposals with their votes counted. Updated with every proposal, vote, decision and outcome.`,
      mimeType: 'application/json',
      async read({ caller }) {
        const proposals = decisions.list({ limit: NEWEST }).map((proposal) => toSummary(proposal, caller));
        return { json: { proposals } };
      },
      watch: (onUpdate) =>
        changes.onChange(({ subject }) => {
          if (subject.kind === 'proposal') onUpdate();
        }),
    }),
    defineResourceTemplate({
      uriTemplate: 'governance://proposals/{id}',
      variables: z.strictObject({ id: idSchema }),
      name: 'proposal',
      title: 'One proposal',
      description:
        'One proposal in full: votes and reasons, its action, decision and outcome. Updated with each of these.',
      mimeType: 'application/json',
      completions: {
        id: (typed) =>
          decisions
            .list({ status: 'open', limit: 100 })
            .map(({ id }) => id)
            .filter((id) => id.startsWith(typed)),
      },
      async read({ id }, { caller }) {
        const proposal = decisions.find(id);
        if (proposal === undefined) throw unknownTarget({ kind: 'resource', uri: `governance://proposals/${id}` });
        return { json: toDetail(proposal, caller) };
      },
      watch: (onUpdate, { id }) =>
        changes.onChange(({ subject }) => {
          if (subject.kind === 'proposal' && subject.id === id) onUpdate();
        }),
    }),
    defineResource({
      uri: 'governance://policies',
      name: 'policies',
      title: 'Policies',
      description: `The policies in force and the last ${CHANGES_SHOWN} changes of each, with who set them by what right. Updated with every change.`,
      mimeType: 'application/json',
      async read() {
        const inForce = policies.list().map((policy) => ({
          ...toPolicyView(policy),
          history: policies.history(policy.name).slice(-CHANGES_SHOWN).map(toPolicyChangeView),
        }));
        return { json: { policies: inForce } };
      },
      watch: (onUpdate) =>
        changes.onChange(({ subject }) => {
          if (subject.kind === 'policy') onUpdate();
        }),
    }),
  ];
}
