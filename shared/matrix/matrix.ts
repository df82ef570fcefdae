/**
 * The permission matrix (M1–M4): composes rows, matching, deciding and explaining into one value that never changes. A changed
 * configuration makes a new one.
 */
import { digest } from '../json/canonical.ts';
import {
  type CallFacts,
  type Decision,
  decide,
  isVisible,
  type Permits,
  type Resolved,
  type Rights,
  resolve,
} from './decide.ts';
import { type Entry, mergeRows } from './entry.ts';
import { type Explanation, explain } from './explain.ts';
import { MatchIndex, type Target } from './match.ts';
import type { Mistake, PermissionRow } from './rows.ts';

export interface MatrixInit {
  readonly builtIn: readonly PermissionRow[];
  /** `permissions` of mcp-servers.json, in its order. */
  readonly configured: readonly PermissionRow[];
  readonly permits: Permits;
}

export interface Matrix {
  /** SHA-256 of what the rows say, their order left out: the same for the same matrix on every machine. */
  readonly version: string;
  /** Rows that deny for now because they are wrong, or contradict each other. Whoever loads the configuration reports them. */
  readonly mistakes: readonly Mistake[];
  decide(caller: Rights, target: Target, call?: CallFacts): Decision;
  /** Whether lists show the target: level and permission only. */
  visible(caller: Rights, target: Target): boolean;
  /** `args`: parsed arguments of one certain call, if the question is about one. */
  explain(caller: Rights, target: Target, args?: unknown): Explanation;
  /** One sentence for each of the targets that several rows match equally: to be reported when a catalogue changes. */
  ties(targets: readonly Target[]): readonly string[];
  /** All rows that hold, configured ones first. */
  rows(): readonly Entry[];
}

/** Targets whose row is remembered. Names beyond that, and long ones, are looked up each time. */
const MAX_REMEMBERED = 10_000;
const MAX_REMEMBERED_LENGTH = 500;

const noFacts: CallFacts = {};

export function createMatrix({ builtIn, configured, permits }: MatrixInit): Matrix {
  const { entries, mistakes } = mergeRows(builtIn, configured);
  const index = new MatchIndex(entries, (entry) => entry.row.match);
  const remembered = new Map<string, Resolved>();
  /** What the catalogue lists is the same object at each call. */
  const known = new WeakMap<Target, Resolved>();

  const lookUp = (target: Target): Resolved => {
    let resolved = known.get(target);
    if (resolved !== undefined) return resolved;
    resolved = lookUpByName(target);
    known.set(target, resolved);
    return resolved;
  };

  const lookUpByName = (target: Target): Resolved => {
    const key = keyOf(target);
    const before = remembered.get(key);
    if (before !== undefined) return before;
    const resolved = resolve(index, target);
    if (key.length > MAX_REMEMBERED_LENGTH) return resolved;
    if (remembered.size >= MAX_REMEMBERED) remembered.clear();
    remembered.set(key, resolved);
    return resolved;
  };

  return {
    version: versionOf(entries),
    mistakes,
    decide: (caller, target, call = noFacts) => decide(lookUp(target), caller, call, permits),
    visible: (caller, target) => isVisible(lookUp(target), caller, permits),
    explain: (caller, target, args) => explain(lookUp(target), caller, args, permits),
    ties: (targets) =>
      targets.flatMap((target) => {
        const resolved = lookUp(target);
        return resolved.entry === undefined && resolved.tie ? resolved.denied.reasons : [];
      }),
    rows: () => entries,
  };
}

/** The lengths in front keep names apart whatever characters they hold. */
function keyOf(target: Target): string {
  if (target.kind === 'resource') return `r${target.uri}`;
  const { kind, listedName, serverId, ownName } = target;
  return `${kind === 'tool' ? 't' : 'p'}${listedName.length}:${serverId.length}:${listedName}${serverId}${ownName}`;
}

function versionOf(entries: readonly Entry[]): string {
  // Rules that do not compile may have no canonical text either; what they say counts for nothing.
  const rows = entries.map(({ row, broken }) => digest(broken ? { ...row, arguments: false } : row));
  return digest(rows.sort());
}
