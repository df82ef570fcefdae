/**
 * The digital twin's resources: each shows a caller its own. None tells of changes: a subscription is shared among sessions on the
 * way, and one person would learn when another's twin changes.
 */
import { defineResource, type Resource } from '../../shared/resource.ts';
import type { TwinDeps } from './deps.ts';
import { listCandidates } from './elevation/candidates.ts';
import { toCandidate, toConsents, toProfile } from './view.ts';

export function twinResources({ twins, privacy, retentionDays }: TwinDeps): readonly Resource[] {
  const common = { mimeType: 'application/json' } as const;
  return [
    defineResource({
      ...common,
      uri: 'twin://profile',
      name: 'profile',
      title: 'What my twin knows',
      description:
        'Your own facts, preferences and learnt patterns, each with its confidence and why: how often it held, which forecasts came true.',
      async read({ caller }) {
        const profile = await twins.use(caller.agentId, (twin) => toProfile(twin, retentionDays()));
        return { json: { profile: profile ?? null } };
      },
    }),
    defineResource({
      ...common,
      uri: 'twin://consents',
      name: 'consents',
      title: 'What my twin may do',
      description:
        'What you allowed your twin, for each purpose, and since when. Nothing is allowed that is not granted here.',
      async read({ caller }) {
        const consents = await twins.use(caller.agentId, (twin) => toConsents(twin));
        return { json: { consents: consents ?? toConsents(undefined) } };
      },
    }),
    defineResource({
      ...common,
      uri: 'twin://candidates',
      name: 'candidates',
      title: 'What could be shared',
      description:
        'What your twin is sure enough of to make it known, as it would read without personal data, and why something may not leave.',
      async read({ caller }) {
        const detectors = await privacy();
        const candidates = await twins.use(caller.agentId, (twin) => listCandidates(twin, detectors).map(toCandidate));
        return { json: { candidates: candidates ?? [] } };
      },
    }),
  ];
}
