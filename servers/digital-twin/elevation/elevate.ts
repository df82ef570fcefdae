/**
 * Sends what its owner allows to HyperRAG (T6): consent, confidence, no personal data, enough people, noise; then one record, and
 * only then the call. The order is the argument: each step passes or ends it.
 */
import { AppError } from '../../../shared/errors.ts';
import type { Log } from '../../../shared/log.ts';
import type { Privacy } from '../../../shared/privacy/privacy.ts';
import { createPseudonyms, newPseudonymKey } from '../../../shared/privacy/pseudonyms.ts';
import type { Shared } from '../learning/pattern-name.ts';
import type { Elevation } from '../store/elevations.ts';
import { confidenceOfFact } from '../store/facts.ts';
import type { Purpose, SendingStatus } from '../store/schema.ts';
import type { Twin } from '../twin.ts';
import type { Twins } from '../twins.ts';
import { isAboutSomebody, LEAST_CONFIDENCE, type Obstacle, PATTERN_DOMAIN, sharedOf } from './candidates.ts';
import { type Dice, discreteLaplace } from './noise.ts';

export type Outcome = Obstacle | 'unknown' | 'not_sure_enough' | 'too_few_people' | Exclude<SendingStatus, 'sending'>;

export interface Result {
  readonly candidateId: string;
  readonly outcome: Outcome;
  readonly knowledgeId: string | null;
  /** What was sent. */
  readonly content: string | null;
}

export interface Sent {
  readonly accepted: boolean;
  readonly knowledgeId: string | null;
}

/** `knowledge_elevation` under the twins' own identity. @throws AppError CONNECTION_LOST when nobody can tell whether it arrived */
export type Send = (knowledge: Pick<Elevation, 'content' | 'confidence' | 'domain' | 'privacy_level'>) => Promise<Sent>;

export interface PeopleRules {
  /** k: how many people a pattern must be true of. */
  readonly minPeople: number;
  /** Spent by each person who is counted, each time. */
  readonly epsilon: number;
  /** What a person spends in a year at most. */
  readonly epsilonBudget: number;
}

export interface ElevateParts {
  readonly twins: Twins;
  readonly privacy: () => Promise<Privacy>;
  readonly rules: PeopleRules;
  readonly dice: Dice;
  readonly nowMs: () => number;
  readonly log: Log;
}

type Elevate = (twin: Twin, candidateId: string, send: Send) => Promise<Result>;
type Draft = Pick<Elevation, 'content' | 'confidence' | 'domain' | 'privacy_level'>;

export function createElevate({ twins, privacy, rules, dice, nowMs, log }: ElevateParts): Elevate {
  async function send(twin: Twin, elevation: Elevation, by: Send): Promise<Result> {
    const { elevation_id, candidate_id, content } = elevation;
    const end = (outcome: Exclude<SendingStatus, 'sending'>, knowledgeId: string | null): Result => {
      twin.elevations.finish(elevation_id, outcome, knowledgeId);
      return { candidateId: candidate_id, outcome, knowledgeId, content };
    };
    try {
      const { accepted, knowledgeId } = await by(elevation);
      return end(accepted ? 'sent' : 'refused', knowledgeId);
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      log.warn({ kind: error.kind }, 'an elevation failed');
      const isUnknown =
        error.kind === 'CONNECTION_LOST' || error.kind === 'OUTCOME_UNKNOWN' || error.kind === 'TIMEOUT';
      return end(isUnknown ? 'outcome_unknown' : 'stopped', null);
    }
  }

  /** Consent is read in the transaction that records the sending: who withdraws before it stops it, in whatever process. */
  function begin(twin: Twin, candidateId: string, purpose: Purpose, draft: () => Draft | Outcome): Elevation | Outcome {
    return twin.write((now) => {
      if (!twin.consents.isGranted(purpose)) return 'no_consent';
      const earlier = twin.elevations.latest(candidateId);
      if (earlier?.status === 'sent') return 'already_sent';
      const made = draft();
      if (typeof made === 'string') return made;
      // What may have arrived already is sent again as it was, so that it is known once.
      const isRepeated = earlier?.status === 'outcome_unknown' || earlier?.status === 'sending';
      const content = isRepeated ? earlier.content : made.content;
      return twin.elevations.begin({ ...made, content, candidate_id: candidateId, at: now });
    });
  }

  async function knowledge(twin: Twin, factId: string, by: Send): Promise<Result> {
    const { scan, anonymise } = await privacy();
    const begun = begin(twin, factId, 'knowledge_elevation', () => {
      const fact = twin.facts.find(factId);
      if (fact === undefined || fact.kind !== 'knowledge') return 'unknown';
      const confidence = confidenceOfFact(fact);
      if (confidence < LEAST_CONFIDENCE) return 'not_sure_enough';
      // Names of their own, so that two texts cannot be told to be of one person.
      const { text, findings } = anonymise(fact.content, createPseudonyms(newPseudonymKey()));
      if (isAboutSomebody(fact.content, findings) || scan(fact.domain).length > 0) return 'about_somebody';
      return { content: text, confidence, domain: fact.domain, privacy_level: 'anonymized' };
    });
    return typeof begun === 'string' ? ended(factId, begun) : send(twin, begun, by);
  }

  async function pattern(twin: Twin, shared: Shared, by: Send): Promise<Result> {
    const { id, predicate } = shared;
    if ((await privacy()).scan(`People here ${predicate}.`).length > 0) return ended(id, 'about_somebody');
    if (!twin.consents.isGranted('people_patterns')) return ended(id, 'no_consent');
    const counted = await countPeople(twin, shared);
    if (counted === undefined) return ended(id, 'too_few_people');
    const begun = begin(twin, id, 'people_patterns', () => ({
      content: `About ${counted} people here ${predicate}.`,
      confidence: LEAST_CONFIDENCE,
      domain: PATTERN_DOMAIN,
      privacy_level: 'anonymized',
    }));
    return typeof begun === 'string' ? ended(id, begun) : send(twin, begun, by);
  }

  /** With noise; undefined below k, and when somebody who was counted has withdrawn. Whoever is counted has paid for it before. */
  async function countPeople(asking: Twin, { id }: Shared): Promise<number | undefined> {
    const known = asking.elevations.counted(id, nowMs());
    if (known !== undefined) return known >= rules.minPeople ? known : undefined;
    const paid = new Map<string, number>();
    await twins.each((twin, storeId) => {
      const position = twin.write((now) => {
        const mayBeCounted =
          twin.consents.isGranted('people_patterns') &&
          sharedOf(twin).some((own) => own.id === id) &&
          twin.elevations.totalSpent(now) + rules.epsilon <= rules.epsilonBudget;
        return mayBeCounted ? twin.elevations.spend(id, rules.epsilon, now) : undefined;
      });
      if (position !== undefined) paid.set(storeId, position);
    });
    const noised = paid.size + discreteLaplace(rules.epsilon, dice);
    const willing = await countWilling(paid);
    const isEnough = willing === paid.size && willing >= rules.minPeople && noised >= rules.minPeople;
    await twins.each((twin, storeId) => {
      const position = paid.get(storeId);
      if (position !== undefined) twin.write(() => twin.elevations.noteCount(position, isEnough ? noised : 0));
    });
    return isEnough ? noised : undefined;
  }

  async function countWilling(paid: ReadonlyMap<string, number>): Promise<number> {
    let willing = 0;
    await twins.each((twin, storeId) => {
      if (paid.has(storeId) && twin.consents.isGranted('people_patterns')) willing++;
    });
    return willing;
  }

  return async (twin, candidateId, by) => {
    if (candidateId.startsWith('f_')) return knowledge(twin, candidateId, by);
    const shared = sharedOf(twin).find(({ id }) => id === candidateId);
    return shared === undefined ? ended(candidateId, 'unknown') : pattern(twin, shared, by);
  };
}

function ended(candidateId: string, outcome: Outcome): Result {
  return { candidateId, outcome, knowledgeId: null, content: null };
}
