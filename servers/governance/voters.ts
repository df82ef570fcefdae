/**
 * Draws up the electorate of a new proposal from the voting rules (G1, G8). The rules themselves are read in
 * shared/voting-rules.ts.
 */
import { AppError } from '../../shared/errors.ts';
import { levelName } from '../../shared/identity/levels.ts';
import { MINIMUM_LEVEL, type VotingRules } from '../../shared/voting-rules.ts';
import type { Electorate, ProposalType } from './events.ts';

/**
 * Who votes on a new proposal: the voters of now with the level that its type asks for, never the proposer (G5). It is
 * fixed here and recorded, so that a later configuration does not change a vote under way.
 * @throws AppError INVALID_PARAMS when the others are too few to approve anything
 */
export function electorateFor(type: ProposalType, proposer: string, rules: VotingRules): Electorate {
  const minimumLevel = MINIMUM_LEVEL[type];
  const voters = [...rules.voters].filter(([id, level]) => level >= minimumLevel && id !== proposer).map(([id]) => id);
  const needed = rules.thresholds[type];
  const approvals = needed === 'all' ? Math.max(1, voters.length) : needed;
  if (approvals > voters.length) {
    throw new AppError('INVALID_PARAMS', {
      text:
        `A ${type} of yours needs ${approvals} approvals, and without you ${voters.length} voters of level ` +
        `${levelName(minimumLevel)} or above remain; a proposer never votes on its own proposal. ` +
        'Choose another type, let another agent propose it, or have more voters configured.',
    });
  }
  return { voters, threshold: approvals, minimumLevel };
}
