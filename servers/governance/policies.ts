/**
 * Owns the village's policies: which there are, their values and who set them by what right (G7). A policy changes by the
 * action of an approved proposal or by EMERGENCY level with a justification, and by nothing else.
 */
import { AppError } from '../../shared/errors.ts';
import type { Caller } from '../../shared/identity/caller.ts';
import { LEVELS, levelName } from '../../shared/identity/levels.ts';
import type { Changes } from './changes.ts';
import { type PolicyEvent, policyStream, proposalStream, type Recorded } from './events.ts';
import { fold } from './proposal.ts';
import type { GovernanceStore } from './store/open.ts';

export type PolicyValue = PolicyEvent['value'];

export interface PolicyDefinition {
  readonly name: string;
  readonly title: string;
  /** What follows this value, and its unit. */
  readonly description: string;
  readonly default: PolicyValue;
  /** What a value must be, in words; undefined when this one fits. */
  check(value: unknown): string | undefined;
}

function wholeNumberPolicy(
  policy: Omit<PolicyDefinition, 'check' | 'default'> & { default: number; minimum: number; maximum: number },
): PolicyDefinition {
  const { minimum, maximum, ...described } = policy;
  return {
    ...described,
    check(value) {
      if (Number.isInteger(value) && Number(value) >= minimum && Number(value) <= maximum) return undefined;
      return `a whole number from ${minimum} to ${maximum}`;
    },
  };
}

/** The policies of the village. A new one is a row here and a server that follows it. */
export const POLICIES: readonly PolicyDefinition[] = [
  wholeNumberPolicy({
    name: 'knowledge.retention_days',
    title: 'Knowledge retention',
    description: 'Days that HyperRAG keeps knowledge and that the twins keep observations without a newer use',
    default: 30,
    minimum: 1,
    maximum: 3_650,
  }),
];

export interface Policy {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly value: PolicyValue;
  readonly default: PolicyValue;
  /** Times it was set. */
  readonly version: number;
  /** Milliseconds since the epoch; null while it is the default. */
  readonly setAt: number | null;
}

export interface PolicyChange {
  readonly value: PolicyValue;
  readonly previous: PolicyValue;
  readonly at: number;
  readonly by: string;
  readonly authority: PolicyEvent['authority'];
}

/** Every function throws AppError INVALID_PARAMS for a policy that does not exist. */
export interface Policies {
  get(name: string): Policy;
  list(): Policy[];
  /** Oldest first. */
  history(name: string): PolicyChange[];
  /** @throws AppError INVALID_PARAMS when the value does not fit; changes nothing */
  validate(name: string, value: unknown): PolicyValue;
  /**
   * Sets the value as the action of a proposal of this agent that is executing right now, with these very arguments. A
   * repetition within the same execution changes nothing more.
   * @throws AppError APPROVAL_REQUIRED when there is no such execution
   */
  setByApproval(agentId: string, name: string, value: unknown): Policy;
  /** @throws AppError FORBIDDEN below EMERGENCY level, INVALID_PARAMS without a justification */
  setByEmergency(caller: Caller, name: string, value: unknown, justification: string): Policy;
}

export interface PoliciesDeps {
  readonly store: GovernanceStore;
  readonly changes: Changes;
  readonly definitions: readonly PolicyDefinition[];
  /** The server and the tool whose approved calls set policies, as bindings name them. */
  readonly setter: { readonly serverId: string; readonly tool: string };
}

export function createPolicies({ store, changes, definitions, setter }: PoliciesDeps): Policies {
  const byName = new Map(definitions.map((definition) => [definition.name, definition]));

  function define(name: string): PolicyDefinition {
    const definition = byName.get(name);
    if (definition !== undefined) return definition;
    throw new AppError('INVALID_PARAMS', {
      text: `There is no such policy; there are: ${[...byName.keys()].join(', ')}`,
    });
  }

  function load(name: string): Recorded<PolicyEvent>[] {
    const isPolicy = (one: Recorded): one is Recorded<PolicyEvent> => one.event.type === 'policy_set';
    return store.log.load(policyStream(name)).filter(isPolicy);
  }

  function view({ name, title, description, default: initial }: PolicyDefinition): Policy {
    const last = load(name).at(-1);
    return {
      name,
      title,
      description,
      value: last?.event.value ?? initial,
      default: initial,
      version: last?.version ?? 0,
      setAt: last?.at ?? null,
    };
  }

  function validate(name: string, value: unknown): PolicyValue {
    const expected = define(name).check(value);
    if (expected === undefined) return value as PolicyValue;
    throw new AppError('INVALID_PARAMS', { text: `${name} must be ${expected}` });
  }

  /** The id of the agent's running proposal whose action is exactly this setting. Inside a transaction. */
  function running(agentId: string, name: string, value: PolicyValue): string | undefined {
    return store.index.withStatus('executing').find((id) => {
      const proposal = fold(id, store.log.load(proposalStream(id)));
      if (proposal?.action == null || proposal.proposer !== agentId) return false;
      const { binding, argumentsText } = proposal.action;
      if (binding.serverId !== setter.serverId || binding.tool !== setter.tool) return false;
      const args = JSON.parse(argumentsText) as { policy?: unknown; value?: unknown };
      return args.policy === name && args.value === value;
    });
  }

  function set(name: string, event: Omit<PolicyEvent, 'type'>, now: number): void {
    store.log.append(policyStream(name), load(name).length, [{ type: 'policy_set', ...event }], now);
  }

  function write(work: (now: number) => void, name: string): Policy {
    store.write(work);
    changes.deliver();
    return view(define(name));
  }

  return {
    get: (name) => view(define(name)),
    list: () => definitions.map(view),
    history(name) {
      let previous = define(name).default;
      return load(name).map(({ at, event: { value, by, authority } }) => {
        const change = { value, previous, at, by, authority };
        previous = value;
        return change;
      });
    },
    validate,
    setByApproval(agentId, name, given) {
      const value = validate(name, given);
      return write((now) => {
        const proposalId = running(agentId, name, value);
        if (proposalId === undefined) {
          throw new AppError('APPROVAL_REQUIRED', {
            text: 'A policy changes by an approved proposal only: propose it with this call as its action (governance_proposal)',
          });
        }
        const isDone = load(name).some(
          ({ event: { authority } }) => authority.kind === 'proposal' && authority.proposalId === proposalId,
        );
        if (!isDone) set(name, { value, by: agentId, authority: { kind: 'proposal', proposalId } }, now);
      }, name);
    },
    setByEmergency(caller, name, given, justification) {
      if (caller.level < LEVELS.EMERGENCY) {
        throw new AppError('FORBIDDEN', {
          text: `Setting a policy without a vote needs level EMERGENCY; yours is ${levelName(caller.level)}`,
        });
      }
      const value = validate(name, given);
      return write((now) => {
        set(name, { value, by: caller.agentId, authority: { kind: 'emergency', justification } }, now);
      }, name);
    },
  };
}
