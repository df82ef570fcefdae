/** Composes the governance server from the data folder and the real clock: store, executor, timers. */
import { createRouterClient } from '../../shared/client/router-client.ts';
import { createClock } from '../../shared/clock.ts';
import { digest } from '../../shared/json/canonical.ts';
import type { VotingRules } from '../../shared/voting-rules.ts';
import type { OpenServer, ServerEnvironment } from '../index.ts';
import { type Actions, policyActions } from './actions.ts';
import { startExecutor } from './executor.ts';
import { type Governance, openGovernance } from './governance.ts';
import { routerActions } from './router-actions.ts';
import { createServer } from './server.ts';
import { governancePolicy } from './tools/governance-policy.ts';

/** Voters hear within 100 ms of what another process wrote. */
const LOOK_EVERY_MS = 25;
const SWEEP_EVERY_MS = 1_000;

export interface GovernanceParts {
  /** The voting rules of now; a changed configuration gives another object. */
  readonly rules: () => VotingRules;
  /** How tools beyond this server are bound and called. */
  readonly actions: (governance: Governance) => Actions;
}

export const open: OpenServer = async (environment) => {
  const { router, votingRules: rules, log } = environment;
  if (router === undefined) return openWith(environment, { rules, actions: ownActions });
  const client = createRouterClient({ url: router.url, token: () => router.token(), name: 'governance', log });
  const server = await openWith(environment, { rules, actions: ({ policies }) => routerActions(client, policies) });
  const close = async (): Promise<void> => {
    await server.close();
    await client.close();
  };
  return { ...server, close };
};

/** @throws VotingRulesError, StoreError with what to do */
async function openWith({ log, dataDir }: ServerEnvironment, parts: GovernanceParts) {
  const governance = await openGovernance({
    dataDir,
    clock: createClock(Date.now, () => performance.now()),
    rules: parts.rules,
    onFault: (cause) => log.error({ cause }, 'a change of governance.db could not be told'),
  });
  const { decisions, policies, changes } = governance;
  const actions = parts.actions(governance);
  const executor = startExecutor({ decisions, changes, actions, log });
  const unwatch = changes.watch(LOOK_EVERY_MS);
  const sweep = (): void => {
    try {
      decisions.sweep();
      executor.look();
    } catch (cause) {
      log.error({ cause }, 'the sweep of governance.db failed; it is tried again in a second');
    }
  };
  sweep();
  const timer = setInterval(sweep, SWEEP_EVERY_MS);
  timer.unref();
  const close = async (): Promise<void> => {
    clearInterval(timer);
    unwatch();
    await executor.stop();
    await governance.close();
  };
  return createServer({ decisions, policies, changes, actions, rules: parts.rules, close });
}

function ownActions({ policies }: Governance): Actions {
  const tool = governancePolicy({ policies });
  return policyActions({
    policies,
    digest,
    definitionDigest: () => digest(tool.definition()),
    matrixVersion: () => 'without a router',
  });
}
