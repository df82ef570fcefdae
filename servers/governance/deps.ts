/** What the governance server's tools, resources and prompts work on. */
import type { VotingRules } from '../../shared/voting-rules.ts';
import type { Actions } from './actions.ts';
import type { Changes } from './changes.ts';
import type { Decisions } from './decisions.ts';
import type { Policies } from './policies.ts';

export interface GovernanceDeps {
  readonly decisions: Decisions;
  readonly policies: Policies;
  readonly changes: Changes;
  readonly actions: Actions;
  /** The voting rules of now. */
  readonly rules: () => VotingRules;
  /** Ends timers and the store. */
  readonly close: () => Promise<void>;
}
