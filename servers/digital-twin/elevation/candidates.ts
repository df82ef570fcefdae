/** What of a twin could be known to all (T6): what is sure enough, how it would read, and why it may not leave. Sends nothing. */
import type { Finding, Kind } from '../../../shared/privacy/findings.ts';
import type { Privacy } from '../../../shared/privacy/privacy.ts';
import { type Shared, sharedPattern, sharedPreference } from '../learning/pattern-name.ts';
import { confidenceOfFact, type StoredFact } from '../store/facts.ts';
import type { Purpose } from '../store/schema.ts';
import type { Twin } from '../twin.ts';

/** Nothing that is less sure leaves, whatever a caller asks for. */
export const LEAST_CONFIDENCE = 0.8;
export const PATTERN_DOMAIN = 'people';

const OBSTACLES = ['no_consent', 'about_somebody', 'already_sent'] as const;
export type Obstacle = (typeof OBSTACLES)[number];

export interface Candidate {
  readonly id: string;
  readonly kind: 'knowledge' | 'pattern';
  /** How it reads without personal data; of a pattern, without its count. */
  readonly text: string;
  readonly confidence: number;
  readonly domain: string;
  readonly purpose: Purpose;
  readonly obstacle: Obstacle | null;
}

/** All of a twin, the surest first. */
export function listCandidates(twin: Twin, privacy: Privacy): Candidate[] {
  const knowledge = twin.facts
    .sure('knowledge', LEAST_CONFIDENCE)
    .map((fact) => knowledgeCandidate(twin, privacy, fact));
  const patterns = sharedOf(twin).map((shared) => patternCandidate(twin, privacy, shared));
  return [...knowledge, ...patterns].sort((a, b) => b.confidence - a.confidence);
}

function knowledgeCandidate(twin: Twin, privacy: Privacy, fact: StoredFact): Candidate {
  const { text, findings } = privacy.anonymise(fact.content, twin.pseudonyms);
  const tells = isAboutSomebody(fact.content, findings) || privacy.scan(fact.domain).length > 0;
  return {
    id: fact.fact_id,
    kind: 'knowledge',
    text,
    confidence: confidenceOfFact(fact),
    domain: privacy.anonymise(fact.domain, twin.pseudonyms).text,
    purpose: 'knowledge_elevation',
    obstacle: obstacle(twin, fact.fact_id, 'knowledge_elevation', tells),
  };
}

function patternCandidate(twin: Twin, privacy: Privacy, { id, predicate, confidence }: Shared): Candidate {
  const { text, findings } = privacy.anonymise(`People here ${predicate}.`, twin.pseudonyms);
  return {
    id,
    kind: 'pattern',
    text,
    confidence,
    domain: PATTERN_DOMAIN,
    purpose: 'people_patterns',
    obstacle: obstacle(twin, id, 'people_patterns', findings.length > 0),
  };
}

function obstacle(twin: Twin, id: string, purpose: Purpose, isAbout: boolean): Obstacle | null {
  if (isAbout) return 'about_somebody';
  if (!twin.consents.isGranted(purpose)) return 'no_consent';
  return twin.elevations.latest(id)?.status === 'sent' ? 'already_sent' : null;
}

/** The patterns and preferences of a twin that others may have too, sure enough to count. */
export function sharedOf(twin: Twin): Shared[] {
  const preferences = twin.facts
    .sure('preference', LEAST_CONFIDENCE)
    .map((fact) => sharedPreference(fact.topic, fact.content, confidenceOfFact(fact)));
  const patterns = twin.patterns().filter(({ confidence }) => confidence >= LEAST_CONFIDENCE);
  return [...patterns.map(sharedPattern), ...preferences];
}

/** What is found of machines can be replaced; what is found of a person means that the text is about one. */
const OF_MACHINES: ReadonlySet<Kind> = new Set<Kind>(['email', 'ip', 'mac', 'secret', 'secret_url']);
/** Somebody speaks of themselves: in the languages of the detectors. */
const FIRST_PERSON =
  /\bI\b|(?<![\p{L}\p{N}])(?:my|myself|ich|mir|mich|mein(?:e[mnrs]?)?|je|moi|mon|mes|yo|mi|mis|mío|mía|conmigo)(?![\p{L}\p{N}])|(?<![\p{L}\p{N}])j['’]/iu;

/** Then it is a pattern about people, and one person is too few for that. */
export function isAboutSomebody(text: string, findings: readonly Finding[]): boolean {
  return findings.some(({ kind }) => !OF_MACHINES.has(kind)) || FIRST_PERSON.test(text.replaceAll(/\bi\b/g, ''));
}
