/**
 * Decides which node takes which work: filters by needs, scores what is left by fit, load, latency, price and spread, and looks
 * a bounded way for a better combination. Pure and deterministic; it reserves nothing.
 */
import { fits } from './fits.ts';

/** What a piece of work asks of a node. */
export interface Needs {
  readonly id: string;
  /** A node that offers this program is asked for: `command:<name>` or `agent:<type>`. */
  readonly program: string;
  readonly cpuCores: number;
  readonly memoryGb: number;
  readonly gpu: boolean;
  /** Only this node will do. */
  readonly targetNode: string | undefined;
  /** 1 to 10; a step is worth more than everything below it together. */
  readonly priority: number;
  /** Most it may cost, in micro-FOG for a CPU-second. */
  readonly maxPriceMicro: number | undefined;
  /** Work of one group is spread over nodes; usually the agent type, or the owner. */
  readonly group: string;
  /** Nodes that it was lost on lately: taken only when no other will do. */
  readonly avoid: readonly string[];
}

/** What a node has left. */
export interface Offer {
  readonly nodeId: string;
  readonly programs: ReadonlySet<string>;
  readonly cpuCores: number;
  readonly memoryGb: number;
  readonly freeCpuCores: number;
  readonly freeMemoryGb: number;
  readonly gpu: boolean;
  /** Share of its processors that is busy, measured; 0 to 1. */
  readonly load: number;
  readonly latencyMs: number | undefined;
  /** Micro-FOG for a CPU-second. */
  readonly priceMicro: number;
  /** Pieces of work of each group that it runs. */
  readonly groups: ReadonlyMap<string, number>;
}

export interface Placement {
  readonly id: string;
  readonly nodeId: string;
}

/** Shares of the score; they sum to 1. */
const WEIGHTS = { fit: 0.2, load: 0.2, latency: 0.15, price: 0.15, spread: 0.3 } as const;
/** Taken off for a node that lost this work lately. */
const AVOIDED = 0.5;
/** A latency or price at which that share of the score is one half. */
const HALF_LATENCY_MS = 20;
const HALF_PRICE_MICRO = 1_000;
/** Any placed work is worth at least this share of its priority's weight, so that placing beats placing well. */
const BASE = 2;
const CANDIDATES = 6;
const DEFAULT_STEPS = 500;
/** For more at once the first combination has to do: all are seldom different enough for another to be worth its time. */
const SEARCHED = 8;

interface Room {
  readonly offer: Offer;
  cpu: number;
  memory: number;
  readonly groups: Map<string, number>;
}

/**
 * @param steps how many combinations are looked at for a few; the first one is what the best node for each in turn gives
 * @returns placements in the order of `needs`; what fits nowhere now is left out
 */
export function place(needs: readonly Needs[], offers: readonly Offer[], steps = DEFAULT_STEPS): Placement[] {
  const rooms = [...offers]
    .sort((a, b) => (a.nodeId < b.nodeId ? -1 : 1))
    .map((offer) => ({
      offer,
      cpu: offer.freeCpuCores,
      memory: offer.freeMemoryGb,
      groups: new Map<string, number>(),
    }));
  const ordered = needs.map((need, index) => ({ need, index })).sort(bySize);
  // What could still be gained from an item on, at most: nothing scores above 1.
  const rest = [...ordered, undefined].map((_, at) =>
    ordered.slice(at).reduce((sum, { need }) => sum + worth(need, 1), 0),
  );
  let best: (Room | undefined)[] = [];
  let bestValue = -1;
  let left = needs.length > SEARCHED ? 1 : steps;
  const chosen: (Room | undefined)[] = [];

  function descend(at: number, value: number): void {
    if (value + rest[at]! <= bestValue) return;
    const item = ordered[at];
    if (item === undefined) {
      best = [...chosen];
      bestValue = value;
      left--;
      return;
    }
    for (const { room, score } of candidates(item.need, rooms)) {
      if (left <= 0) return;
      take(room, item.need, 1);
      chosen[at] = room;
      descend(at + 1, value + worth(item.need, score));
      take(room, item.need, -1);
    }
    if (left <= 0) return;
    chosen[at] = undefined;
    descend(at + 1, value);
  }
  descend(0, 0);

  return ordered
    .map(({ need, index }, at) => ({ id: need.id, index, room: best[at] }))
    .filter((one) => one.room !== undefined)
    .sort((a, b) => a.index - b.index)
    .map(({ id, room }) => ({ id, nodeId: room!.offer.nodeId }));
}

/** What placing this work with this score adds to a combination. */
export function worth({ priority }: Pick<Needs, 'priority'>, score: number): number {
  return 4 ** (priority - 1) * (BASE + score);
}

/** How well a node with this much left fits; undefined when it cannot take the work. */
export function scoreOf(
  need: Needs,
  { offer, cpu, memory, groups }: Pick<Room, 'offer' | 'cpu' | 'memory' | 'groups'>,
): number | undefined {
  if (!fits(need, { cpuCores: cpu, memoryGb: memory }) || !couldTake(need, offer)) return undefined;
  const fit = 1 - ((cpu - need.cpuCores) / offer.cpuCores + (memory - need.memoryGb) / offer.memoryGb) / 2;
  const beside = (offer.groups.get(need.group) ?? 0) + (groups.get(need.group) ?? 0);
  const score =
    WEIGHTS.fit * Math.min(1, Math.max(0, fit)) +
    WEIGHTS.load * (1 - offer.load) +
    WEIGHTS.latency * (HALF_LATENCY_MS / (HALF_LATENCY_MS + (offer.latencyMs ?? HALF_LATENCY_MS))) +
    WEIGHTS.price * (HALF_PRICE_MICRO / (HALF_PRICE_MICRO + offer.priceMicro)) +
    WEIGHTS.spread / (1 + beside);
  return need.avoid.includes(offer.nodeId) ? score - AVOIDED : score;
}

/** Whether the node would do if it were empty. */
export function couldTake(need: Needs, offer: Offer): boolean {
  return (
    (need.targetNode === undefined || need.targetNode === offer.nodeId) &&
    offer.programs.has(need.program) &&
    fits(need, offer) &&
    (!need.gpu || offer.gpu) &&
    (need.maxPriceMicro === undefined || offer.priceMicro <= need.maxPriceMicro)
  );
}

/** For a person: what keeps this work from every node, the nearest reason first. */
export function whyNowhere(need: Needs, offers: readonly Offer[]): string {
  if (offers.length === 0) return 'no node is here';
  const [, name = need.program] = need.program.split(':');
  const withTarget = offers.filter(({ nodeId }) => need.targetNode === undefined || need.targetNode === nodeId);
  if (withTarget.length === 0) return 'the target node is not here';
  const withProgram = withTarget.filter(({ programs }) => programs.has(need.program));
  if (withProgram.length === 0) return `no node offers to run ${name}`;
  if (!withProgram.some((offer) => couldTake({ ...need, gpu: false, maxPriceMicro: undefined }, offer))) {
    return `no node has ${need.cpuCores} cores and ${need.memoryGb} GB`;
  }
  if (!withProgram.some((offer) => couldTake({ ...need, maxPriceMicro: undefined }, offer)))
    return 'no node that is large enough has a GPU';
  if (!withProgram.some((offer) => couldTake(need, offer))) return 'every node that would do costs more';
  return 'all nodes that would do are full';
}

function candidates(need: Needs, rooms: readonly Room[]): { room: Room; score: number }[] {
  const top: { room: Room; score: number }[] = [];
  for (const room of rooms) {
    const score = scoreOf(need, room);
    if (score === undefined || (top.length === CANDIDATES && score <= top[CANDIDATES - 1]!.score)) continue;
    // Nodes come in the order of their ids, so that of equal ones the first stays first.
    const before = top.findIndex((other) => other.score < score);
    top.splice(before === -1 ? top.length : before, 0, { room, score });
    if (top.length > CANDIDATES) top.pop();
  }
  return top;
}

function take(room: Room, need: Needs, times: 1 | -1): void {
  room.cpu -= times * need.cpuCores;
  room.memory -= times * need.memoryGb;
  room.groups.set(need.group, (room.groups.get(need.group) ?? 0) + times);
}

/** The more important first, then the larger: small ones find room in what is left. */
function bySize(a: { need: Needs; index: number }, b: { need: Needs; index: number }): number {
  return (
    b.need.priority - a.need.priority ||
    b.need.cpuCores - a.need.cpuCores ||
    b.need.memoryGb - a.need.memoryGb ||
    a.index - b.index
  );
}
