import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import {
  type GovernanceEvent,
  PROPOSAL_TYPES,
  proposalStream,
  type Recorded,
} from '../../../../servers/governance/events.ts';
import { type Governance, openGovernance } from '../../../../servers/governance/governance.ts';
import { type Status, tally } from '../../../../servers/governance/proposal.ts';
import { openGovernanceStore } from '../../../../servers/governance/store/open.ts';
import { createClock } from '../../../../shared/clock.ts';
import { AppError } from '../../../../shared/errors.ts';
import { LEVELS } from '../../../../shared/identity/levels.ts';
import { readVotingRules } from '../../../../shared/voting-rules.ts';
import { caller, DAY, HOUR, payment, START } from '../../../fixtures/governance/village.ts';

const AGENTS = new Map([
  ['king', LEVELS.EMERGENCY],
  ['sage', LEVELS.GOVERNANCE],
  ['curator', LEVELS.GOVERNANCE],
  ['magi', LEVELS.OPERATOR],
  ['oracle', LEVELS.EMERGENCY],
]);
const people = [...AGENTS].map(([id, level]) => caller(id, level));

const person = fc.constantFrom(...people);
const instance = fc.nat({ max: 1 });
const which = fc.nat({ max: 3 });
const choice = fc.constantFrom('approve' as const, 'approve' as const, 'reject' as const);
const step = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('propose' as const),
      instance,
      person,
      type: fc.constantFrom(...PROPOSAL_TYPES),
    }),
  },
  { weight: 10, arbitrary: fc.record({ do: fc.constant('vote' as const), instance, person, which, choice }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('override' as const), instance, person, which, choice }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('claim' as const), instance, which }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('finish' as const), instance, which }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('jump' as const),
      ms: fc.constantFrom(-DAY, -HOUR, -1, 1, HOUR, 12 * HOUR, DAY - 1, DAY),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('restart' as const), instance }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('sweep' as const), instance }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('settle' as const), instance, person, which, choice }) },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

type Aimed = Exclude<Step, { do: 'jump' | 'restart' | 'sweep' | 'propose' }>;

/** True when it was done, false when it was refused; anything else that is thrown is a fault. */
function attempt(work: () => unknown): boolean {
  try {
    work();
    return true;
  } catch (error) {
    if (error instanceof AppError && error.kind !== 'INTERNAL') return false;
    throw error;
  }
}

/** Two services on one file, one wall clock that jumps, and a ledger of the calls that were really made. */
class World {
  readonly dataDir = fs.mkdtempSync(path.join(os.tmpdir(), 'governance-'));
  readonly ids: string[] = [];
  readonly calls = new Map<string, number>();
  readonly fences = new Map<string, number>();
  readonly services: Governance[] = [];
  wall = START;

  async open(): Promise<Governance> {
    const rules = readVotingRules(undefined, AGENTS);
    const clock = createClock(
      () => this.wall,
      () => 0,
    );
    const onFault = (error: unknown) => {
      throw error;
    };
    return openGovernance({ dataDir: this.dataDir, clock, rules: () => rules, onFault });
  }

  async run(step: Step): Promise<void> {
    if (step.do === 'jump') {
      this.wall += step.ms;
      return;
    }
    if (step.do === 'restart') {
      await this.services[step.instance]!.close();
      this.services[step.instance] = await this.open();
      return;
    }
    const { decisions } = this.services[step.instance]!;
    if (step.do === 'sweep') decisions.sweep();
    else if (step.do === 'propose') this.propose(step);
    else {
      const id = this.pick(step);
      if (id !== undefined) this.touch(step, id);
    }
  }

  private propose({ instance: at, person: who, type }: Extract<Step, { do: 'propose' }>): void {
    const request = payment(`{"n":${this.ids.length}}`, { caller: who.agentId }, type);
    attempt(() => this.ids.push(this.services[at]!.decisions.propose(who, request).id));
  }

  /** Mostly a proposal that the step can do something to, so that schedules get far; else any. */
  private pick({ do: what, instance: at, which: n }: Aimed): string | undefined {
    const { decisions } = this.services[at]!;
    const wanted: readonly Status[] =
      what === 'claim' ? ['approved', 'overridden'] : what === 'finish' ? ['executing', 'outcome_unknown'] : ['open'];
    const fitting = this.ids.filter((id) => wanted.includes(decisions.get(id).status));
    const from = n < 3 && fitting.length > 0 ? fitting : this.ids;
    return from[n % Math.max(1, from.length)];
  }

  private touch(step: Aimed, id: string): void {
    const { decisions } = this.services[step.instance]!;
    if (step.do === 'vote') {
      const before = decisions.get(id);
      const wasDone = attempt(() => decisions.vote(step.person, id, step.choice, 'because'));
      const mayVote = before.status === 'open' && before.electorate.voters.includes(step.person.agentId);
      expect(wasDone).toBe(mayVote);
      if (wasDone) expect(this.wall).toBeLessThan(before.deadlineAt);
    } else if (step.do === 'override') {
      attempt(() => decisions.override(step.person, id, step.choice, 'because'));
    } else if (step.do === 'claim') {
      const { action } = decisions.get(id);
      const isStarted = attempt(() => this.fences.set(id, decisions.claimExecution(id, action!.binding).fence));
      if (isStarted) this.calls.set(id, (this.calls.get(id) ?? 0) + 1);
    } else if (step.do === 'finish') {
      attempt(() => decisions.recordOutcome(id, this.fences.get(id) ?? 0, 'executed', '{}'));
    } else {
      attempt(() => decisions.resolveUnknown(step.person, id, 'failed', 'looked'));
    }
  }

  async end(): Promise<void> {
    for (const service of this.services) await service.close();
    fs.rmSync(this.dataDir, { recursive: true });
  }
}

const DECIDED = ['approved', 'rejected', 'expired', 'overridden'];

/** Reads one proposal's history by rules of its own and says what its status must be. */
function judge(history: readonly Recorded<GovernanceEvent>[]): Status {
  const [created, ...rest] = history.map(({ event }) => event);
  if (created?.type !== 'created') throw new Error('a history begins with its creation');
  const { voters, threshold } = created.electorate;
  expect(voters).not.toContain(created.proposer);
  const count = (type: string) => rest.filter((event) => event.type === type).length;
  expect(rest.filter(({ type }) => DECIDED.includes(type)).length).toBeLessThanOrEqual(1);
  expect(count('executing')).toBeLessThanOrEqual(1);
  expect(count('finished') + count('resolved')).toBeLessThanOrEqual(1);

  const last = new Map<string, string>();
  let certain: 'approved' | 'rejected' | undefined;
  let status: Status = 'open';
  for (const [i, event] of rest.entries()) {
    const { at } = history[i + 1]!;
    if (certain !== undefined && status === 'open') expect(event.type).toBe(certain);
    if (event.type === 'voted') {
      expect(status).toBe('open');
      expect(voters).toContain(event.voter);
      expect(at).toBeLessThan(created.deadlineAt);
      last.set(event.voter, event.vote);
      const of = (vote: string) => [...last.values()].filter((v) => v === vote).length;
      if (of('approve') >= threshold) certain = 'approved';
      else if (voters.length - of('reject') < threshold) certain = 'rejected';
    } else if (event.type === 'approved' || event.type === 'rejected') {
      expect(event.type).toBe(certain);
      status = event.type;
    } else if (event.type === 'expired') {
      expect(at).toBeGreaterThanOrEqual(created.deadlineAt);
      status = 'expired';
    } else if (event.type === 'overridden') status = 'overridden';
    else if (event.type === 'voided') status = 'void';
    else if (event.type === 'executing') status = 'executing';
    else if (event.type === 'outcome_lost') status = 'outcome_unknown';
    else if (event.type === 'finished' || event.type === 'resolved') status = event.outcome;
  }
  // A decision falls in the moment in which it becomes certain, never later.
  if (certain !== undefined) expect(status).not.toBe('open');
  return status;
}

async function check(world: World): Promise<void> {
  const [first] = world.services;
  expect(first!.verify().firstBad).toBeUndefined();
  const clock = createClock(
    () => 0,
    () => 0,
  );
  const store = await openGovernanceStore(world.dataDir, clock);
  for (const id of world.ids) {
    const status = judge(store.log.load(proposalStream(id)));
    const proposal = first!.decisions.get(id);
    // Only time can have passed since the history was read.
    if (proposal.status !== status) expect([status, proposal.status]).toSatisfy(isByTime);
    const { approvals, rejections, silent } = tally(proposal);
    expect(approvals + rejections + silent).toBe(proposal.electorate.voters.length);
    expect(approvals + rejections).toBe(proposal.votes.size);
    expect(world.calls.get(id) ?? 0).toBeLessThanOrEqual(1);
  }
  await store.close();
}

function isByTime([before, after]: Status[]): boolean {
  return (before === 'open' && after === 'expired') || (before !== 'open' && after === 'void');
}

it('[G2][G4] no schedule of votes, jumps of the clock, restarts and two services decides or executes twice', async () => {
  const seen = new Map<string, number>();
  const property = fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 60 }), async (steps) => {
    const world = new World();
    try {
      world.services.push(await world.open(), await world.open());
      for (const one of steps) await world.run(one);
      await check(world);
      for (const id of world.ids) {
        const { status } = world.services[0]!.decisions.get(id);
        seen.set(status, (seen.get(status) ?? 0) + 1);
      }
    } finally {
      await world.end();
    }
  });
  await fc.assert(property, { numRuns: 150 });
  // The schedules went through the whole machine, not only through its beginning.
  const reached: readonly Status[] = ['open', 'approved', 'rejected', 'expired', 'overridden', 'executing', 'executed'];
  expect([...seen.keys()]).toEqual(expect.arrayContaining([...reached]));
}, 120_000);
