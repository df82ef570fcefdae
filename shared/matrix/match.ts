/**
 * What a row's `match` names, and which rows match a target, the most specific first. Knows neither callers nor levels.
 */
import { compileWildcard, type Wildcard } from './wildcard.ts';

/** What a caller wants to use. `listedName` is the name in the router's lists, `ownName` the server's own. */
export type Target =
  | { readonly kind: 'tool'; readonly listedName: string; readonly serverId: string; readonly ownName: string }
  | { readonly kind: 'resource'; readonly uri: string; readonly serverId: string }
  | { readonly kind: 'prompt'; readonly listedName: string; readonly serverId: string; readonly ownName: string };

/** `listed` and `own` (`<id>/<name>`) are the two names of a tool or prompt; neither is more specific than the other. */
type Form = 'listed' | 'own' | 'uri';

interface Match {
  readonly kind: Target['kind'];
  readonly form: Form;
  readonly pattern: string;
}

export const MAX_MATCH_LENGTH = 512;
/** A name or URI longer than this matches no row. */
export const MAX_NAME_LENGTH = 8_192;

const prefixes = { 'resource:': 'resource', 'prompt:': 'prompt' } as const;

function parseMatch(match: string): Match {
  for (const [prefix, kind] of Object.entries(prefixes)) {
    if (!match.startsWith(prefix)) continue;
    const pattern = oneStar(match.slice(prefix.length));
    return { kind, form: kind === 'resource' ? 'uri' : nameForm(pattern), pattern };
  }
  const pattern = oneStar(match);
  return { kind: 'tool', form: nameForm(pattern), pattern };
}

function nameForm(pattern: string): Form {
  return pattern.includes('/') ? 'own' : 'listed';
}

function oneStar(pattern: string): string {
  return pattern.replace(/\*+/g, '*');
}

/** What is wrong with a `match`, if anything. */
export function matchMistake(match: string): string | undefined {
  if (!match.isWellFormed()) return 'holds a lone surrogate; write whole characters';
  if (parseMatch(match).pattern === '') return 'names nothing; write a name, a URI or * behind the colon';
  return undefined;
}

/** One spelling for each match: `a**` and `a*` are the same. */
export function normalMatch(match: string): string {
  const { kind, pattern } = parseMatch(match);
  return kind === 'tool' ? pattern : `${kind}:${pattern}`;
}

/** The target as a person names it. */
export function targetName(target: Target): string {
  return target.kind === 'resource' ? target.uri : target.listedName;
}

export interface Found<Item> {
  /** Those that match most specifically: one, or several when they tie. Empty: no row. */
  readonly winners: readonly Item[];
  /** Those that match less specifically, the nearest first. */
  readonly others: readonly Item[];
}

interface Indexed<Item> {
  readonly form: Form;
  readonly wildcard: Wildcard;
  readonly item: Item;
}

/** Finds, among items with a `match`, those that match a target. */
export class MatchIndex<Item> {
  private readonly exact = { tool: newExact<Item>(), resource: newExact<Item>(), prompt: newExact<Item>() };
  /** The most literal characters first. */
  private readonly patterns: Record<Target['kind'], Indexed<Item>[]> = { tool: [], resource: [], prompt: [] };

  constructor(items: readonly Item[], matchOf: (item: Item) => string) {
    for (const item of items) {
      const { kind, form, pattern } = parseMatch(matchOf(item));
      const wildcard = compileWildcard(pattern);
      if (!wildcard.exact) this.patterns[kind].push({ form, wildcard, item });
      else {
        const same = this.exact[kind][form].get(pattern);
        if (same === undefined) this.exact[kind][form].set(pattern, [item]);
        else same.push(item);
      }
    }
    for (const list of Object.values(this.patterns)) list.sort((a, b) => b.wildcard.literals - a.wildcard.literals);
  }

  find(target: Target): Found<Item> {
    const names = namesOf(target);
    const winners: Item[] = [];
    const others: Item[] = [];
    for (const [form, name] of names) winners.push(...(this.exact[target.kind][form].get(name) ?? []));
    // A URI with `..` in it may mean another place than it says: only a row for exactly this URI opens it.
    if (leadsElsewhere(target)) return { winners, others };
    let specificity = winners.length > 0 ? Number.POSITIVE_INFINITY : undefined;
    for (const { form, wildcard, item } of this.patterns[target.kind]) {
      if (!names.some(([itsForm, name]) => itsForm === form && wildcard.matches(name))) continue;
      specificity ??= wildcard.literals;
      if (wildcard.literals === specificity) winners.push(item);
      else others.push(item);
    }
    return { winners, others };
  }
}

function newExact<Item>(): Record<Form, Map<string, Item[]>> {
  return { listed: new Map(), own: new Map(), uri: new Map() };
}

/** Whether the target is a URI with `.` or `..` segments, plain or percent-encoded. */
export function leadsElsewhere(target: Target): boolean {
  return target.kind === 'resource' && dotSegment.test(target.uri);
}

const dotSegment = /(?:^|[/\\]|%2f|%5c)(?:\.|%2e){1,2}(?:$|[/\\?#]|%2f|%5c)/i;

function namesOf(target: Target): [Form, string][] {
  if (target.kind === 'resource') return target.uri.length > MAX_NAME_LENGTH ? [] : [['uri', target.uri]];
  const { listedName, serverId, ownName } = target;
  if (listedName.length + serverId.length + ownName.length > MAX_NAME_LENGTH) return [];
  // With a slash in it an id could borrow another server's rows, and a listed name those of `<id>/<name>`.
  const names: [Form, string][] = [];
  if (!listedName.includes('/')) names.push(['listed', listedName]);
  if (!serverId.includes('/')) names.push(['own', `${serverId}/${ownName}`]);
  return names;
}
