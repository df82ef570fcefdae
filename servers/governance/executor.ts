/**
 * Runs what was approved: claims, calls, records how it ended. Decides nothing and repeats nothing; several processes may
 * each have one on the same file, the claim has one winner.
 */
import { AppError, type ErrorKindName } from '../../shared/errors.ts';
import type { Log } from '../../shared/log.ts';
import type { Actions } from './actions.ts';
import type { Changes } from './changes.ts';
import type { Decisions, Started } from './decisions.ts';
import type { Proposal } from './proposal.ts';

export interface Executor {
  /** Starts whatever is approved and not started. */
  look(): void;
  /** Starts nothing more; settles when the calls under way have an outcome. */
  stop(): Promise<void>;
}

export interface ExecutorDeps {
  readonly decisions: Decisions;
  readonly changes: Changes;
  readonly actions: Actions;
  readonly log: Log;
}

/** Refusals that come before a call takes effect. After any other error the outcome is unknown. */
const NOTHING_WAS_RUN: ReadonlySet<ErrorKindName> = new Set([
  'INVALID_PARAMS',
  'UNKNOWN_NAME',
  'FORBIDDEN',
  'UNAUTHENTICATED',
  'APPROVAL_REQUIRED',
  'EMERGENCY_STOP',
  'RATE_LIMITED',
  'SECURITY_VIOLATION',
  'AUDIT_UNAVAILABLE',
  'UPSTREAM_UNAVAILABLE',
  'CONNECTION_FAILED',
]);

export function startExecutor({ decisions, changes, actions, log }: ExecutorDeps): Executor {
  const underWay = new Map<string, Promise<void>>();
  let isStopped = false;

  async function execute(proposal: Proposal): Promise<void> {
    const started = await claim(proposal);
    if (started === undefined) return;
    const { id } = proposal;
    try {
      const { outcome, resultText } = await actions.call(started);
      decisions.recordOutcome(id, started.fence, outcome, resultText);
    } catch (error) {
      if (error instanceof AppError && NOTHING_WAS_RUN.has(error.kind)) {
        decisions.recordOutcome(id, started.fence, 'failed', JSON.stringify({ error: error.toJsonRpc() }));
      } else {
        log.error({ proposal: id, cause: error }, 'the outcome of an approved action is not known');
        decisions.recordLost(id, started.fence, 'The call was made and no outcome came back');
      }
    }
  }

  /** Undefined when there is nothing to run: another process was first, or the call is not what was approved. */
  async function claim({ id, action }: Proposal): Promise<Started | undefined> {
    if (action === null) return undefined;
    try {
      const current = await actions.rebind(action);
      return isStopped ? undefined : decisions.claimExecution(id, current);
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      if (error.kind === 'CONFLICT') return undefined;
      if (error.kind === 'EMERGENCY_STOP') {
        decisions.void(
          id,
          'An emergency stop was in force when it would have started, and nothing stopped is made up for',
        );
        return undefined;
      }
      if (error.kind !== 'UNKNOWN_NAME' && error.kind !== 'INVALID_PARAMS') throw error;
      decisions.void(id, `Its call is not possible any more: ${error.message}`.slice(0, 500));
      return undefined;
    }
  }

  function start(proposal: Proposal): void {
    const { id } = proposal;
    if (isStopped || underWay.has(id)) return;
    const run = execute(proposal)
      .catch((cause: unknown) => log.error({ proposal: id, cause }, 'an approved action could not be started'))
      .finally(() => underWay.delete(id));
    underWay.set(id, run);
  }

  const look = (): void => {
    for (const proposal of decisions.runnable()) start(proposal);
  };
  const unhear = changes.onChange(({ event }) => {
    if (event.type === 'approved' || event.type === 'overridden') look();
  });
  return {
    look,
    async stop() {
      isStopped = true;
      unhear();
      await Promise.all(underWay.values());
    },
  };
}
