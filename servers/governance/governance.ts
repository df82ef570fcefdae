/** Opens the governance of one data folder: store, proposals, policies and the telling of changes, as one thing to close. */
import { randomUUID } from 'node:crypto';
import type { Clock } from '../../shared/clock.ts';
import { StoreError } from '../../shared/store.ts';
import type { VotingRules } from '../../shared/voting-rules.ts';
import { POLICY_SETTER } from './actions.ts';
import { type Changes, createChanges } from './changes.ts';
import { createDecisions, type Decisions } from './decisions.ts';
import { createPolicies, POLICIES, type Policies, type PolicyDefinition } from './policies.ts';
import type { Verification } from './store/event-log.ts';
import { openGovernanceStore } from './store/open.ts';
import { createOwner } from './store/owner.ts';

export interface GovernanceOptions {
  readonly dataDir: string;
  readonly clock: Clock;
  /** The voting rules of now; a changed configuration gives another object. */
  readonly rules: () => VotingRules;
  /** Hears what a listener to changes throws, or a look at the file that failed. */
  readonly onFault: (error: unknown) => void;
  readonly policies?: readonly PolicyDefinition[];
}

export interface Governance {
  readonly decisions: Decisions;
  readonly policies: Policies;
  readonly changes: Changes;
  /** Village time, milliseconds since the epoch. */
  now(): number;
  /** Walks the hash chain of the whole file. */
  verify(): Verification;
  /** Executions of this process that have no outcome yet become `outcome_unknown` to the others. */
  close(): Promise<void>;
}

/** @throws StoreError when the file is newer than the code, or was altered: nothing is decided on an altered file */
export async function openGovernance(options: GovernanceOptions): Promise<Governance> {
  const { dataDir, clock, rules, onFault, policies = POLICIES } = options;
  const store = await openGovernanceStore(dataDir, clock);
  const owner = createOwner(store.ownersFolder, randomUUID());
  try {
    const { firstBad } = store.log.verify();
    if (firstBad !== undefined) {
      throw new StoreError(
        `governance.db was altered: event ${firstBad.position}: ${firstBad.why}. Restore a backup; nothing is decided on this file.`,
      );
    }
    const changes = createChanges(store, onFault);
    return {
      decisions: createDecisions({ store, changes, owner, rules, newId: randomUUID }),
      policies: createPolicies({
        store,
        changes,
        definitions: policies,
        setter: POLICY_SETTER,
      }),
      changes,
      now: () => store.now(),
      verify: () => store.log.verify(),
      async close() {
        owner.release();
        await store.close();
      },
    };
  } catch (error) {
    await store.close();
    throw error;
  }
}
