/** The governance server's tools, in the order in which they are listed. */
import type { Tool } from '../../../shared/tool.ts';
import type { GovernanceDeps } from '../deps.ts';
import { governanceGate } from './governance-gate.ts';
import { governancePolicy } from './governance-policy.ts';
import { governanceProposal } from './governance-proposal.ts';
import { governanceResolve } from './governance-resolve.ts';
import { governanceStatus } from './governance-status.ts';
import { governanceVote } from './governance-vote.ts';
import { kingOverrideVote } from './king-override-vote.ts';

export function governanceTools(deps: GovernanceDeps): readonly Tool[] {
  return [
    governanceProposal(deps),
    governanceVote(deps),
    governanceStatus(deps),
    kingOverrideVote(deps),
    governancePolicy(deps),
    governanceResolve(deps),
    governanceGate(deps),
  ];
}
