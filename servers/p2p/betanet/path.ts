/**
 * Which relays a circuit goes through: drawn by capacity, no two of one operator or one neighbourhood of addresses where that is
 * possible, never an end. Pure but for randomness, which is passed in.
 */
import { isIPv4, isIPv6 } from 'node:net';
import type { Uniform } from './mixing.ts';
import type { RelayDescriptor } from './network.ts';

/** `operator`: two relays share a neighbourhood; `none`: they share an operator too. */
export type Diversity = 'full' | 'operator' | 'none';

export interface RelayPath {
  /** In the order of the path, the first next to us. */
  readonly relays: readonly RelayDescriptor[];
  readonly diversity: Diversity;
}

export interface PathWish {
  readonly count: number;
  /** Peers that must not be in it: both ends, and those that just failed. */
  readonly exclude: ReadonlySet<string>;
}

/** Whoever claims more than this many times the median is not drawn more often for it. */
const CAPACITY_CAP = 4;
/** A search over more would take long when nearly all share a neighbourhood. */
const SEARCHED = 128;

/** The relays, or undefined when there are not enough. */
export function choosePath(known: readonly RelayDescriptor[], wish: PathWish, uniform: Uniform): RelayPath | undefined {
  const fit = known.filter(({ peer, relay, capacity }) => relay && capacity > 0 && !wish.exclude.has(peer));
  const order = drawnByCapacity(fit, uniform).slice(0, SEARCHED);
  const apart: [Diversity, (a: RelayDescriptor, b: RelayDescriptor) => boolean][] = [
    ['full', (a, b) => differ(a.operator, b.operator) && differ(neighbourhood(a.address), neighbourhood(b.address))],
    ['operator', (a, b) => differ(a.operator, b.operator)],
    ['none', () => true],
  ];
  for (const [diversity, compatible] of apart) {
    const relays = search(order, wish.count, compatible);
    if (relays !== undefined) return { relays, diversity };
  }
  return undefined;
}

/** The /24 of an IPv4 address, the /48 of an IPv6 address: what one owner usually has. */
export function neighbourhood(address: string | undefined): string | undefined {
  if (address === undefined) return undefined;
  const plain = address.startsWith('::ffff:') ? address.slice('::ffff:'.length) : address;
  if (isIPv4(plain)) return plain.split('.').slice(0, 3).join('.');
  if (!isIPv6(address)) return undefined;
  const [head = '', tail] = address.split('%')[0]!.split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - left.length - right.length);
  const groups = [...left, ...Array.from({ length: zeros }, () => '0'), ...right];
  return groups
    .slice(0, 3)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':');
}

/** What is not said counts as different: most peers name no operator. */
function differ(a: string | undefined, b: string | undefined): boolean {
  return a === undefined || b === undefined || a !== b;
}

/** A random order in which large ones tend to come first (Efraimidis and Spirakis 2006). */
function drawnByCapacity(relays: readonly RelayDescriptor[], uniform: Uniform): RelayDescriptor[] {
  const sorted = relays.map(({ capacity }) => capacity).sort((a, b) => a - b);
  const cap = CAPACITY_CAP * (sorted[Math.floor(sorted.length / 2)] ?? 1);
  return relays
    .map((relay) => ({ relay, key: Math.log(uniform()) / Math.min(relay.capacity, cap) }))
    .sort((a, b) => b.key - a.key)
    .map(({ relay }) => relay);
}

/** The first `count` in this order that all fit together. */
function search(
  order: readonly RelayDescriptor[],
  count: number,
  compatible: (a: RelayDescriptor, b: RelayDescriptor) => boolean,
  chosen: readonly RelayDescriptor[] = [],
  from = 0,
): readonly RelayDescriptor[] | undefined {
  if (chosen.length === count) return chosen;
  for (let at = from; at < order.length; at++) {
    const candidate = order[at]!;
    if (!chosen.every((other) => compatible(other, candidate))) continue;
    const found = search(order, count, compatible, [...chosen, candidate], at + 1);
    if (found !== undefined) return found;
  }
  return undefined;
}
