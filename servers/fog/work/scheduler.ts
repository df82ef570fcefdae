/**
 * One look at what waits: gives it to nodes that have room, and a little of it ahead to nodes that end jobs so fast that the way there and
 * back would cost more than the job. Decides by placement.ts; what is true stands in fog.db.
 */
import type { Nodes, Room } from './nodes.ts';
import { couldTake, place } from './placement.ts';
import type { Work } from './work.ts';
import { needsOf, type WorkRow } from './work-reads.ts';

export interface Gift {
  readonly row: WorkRow;
  readonly nodeId: string;
}

export interface SchedulerOptions {
  readonly work: Work;
  readonly nodes: Nodes;
  /** Those that can be given work now. */
  readonly linked: () => ReadonlySet<string>;
  /** Those among them that end jobs fast. */
  readonly quick: () => ReadonlySet<string>;
  readonly give: (gifts: readonly Gift[], isAhead: boolean, now: number) => void;
}

/** So many that wait are looked at in one round, and so many rounds at once: others want this process too. */
const ROUND = 64;
const MOST_ROUNDS = 8;
/** Looked at for work to give ahead; a node takes no more ahead than its jobs hold. */
const AHEAD_ROUND = 16;
/** Cores and GB that any work asks for at least. */
const LEAST = 0.009;
/** Nothing that is here could take it: others get their turn first. */
const IMPOSSIBLE_WAIT_MS = 3_000;

export function createScheduler({ work, nodes, linked, quick, give }: SchedulerOptions) {
  /** @returns the rooms, when they are as they were at the end of it */
  function placeWaiting(now: number): Room[] | undefined {
    for (let round = 0; round < MOST_ROUNDS; round++) {
      const rooms = nodes.rooms(linked());
      if (!rooms.some(({ freeCpuCores, freeMemoryGb }) => freeCpuCores > LEAST && freeMemoryGb > LEAST)) return rooms;
      const waiting = work.waiting(now, ROUND);
      if (waiting.length === 0) return undefined;
      const byId = new Map(waiting.map((row) => [row.work_id, row]));
      const needs = waiting.map(needsOf);
      const placed = place(needs, rooms);
      give(
        placed.map(({ id, nodeId }) => ({ row: byId.get(id)!, nodeId })),
        false,
        now,
      );
      const impossible = needs.filter((need) => !rooms.some((room) => couldTake(need, room))).map(({ id }) => id);
      work.putOff(impossible, now + IMPOSSIBLE_WAIT_MS);
      if (placed.length + impossible.length === 0) return rooms;
      // Another round only when this one made way for those behind.
      if (waiting.length < ROUND) return undefined;
    }
    return undefined;
  }

  function giveAhead(known: Room[] | undefined, now: number): void {
    const fast = quick();
    if (fast.size === 0) return;
    const rooms = (known ?? nodes.rooms(fast))
      .filter(({ nodeId, aheadCpuCores }) => fast.has(nodeId) && aheadCpuCores > LEAST)
      .map((room) => ({ ...room, freeCpuCores: room.aheadCpuCores, freeMemoryGb: room.aheadMemoryGb }));
    if (rooms.length === 0) return;
    const jobs = work.waiting(now, AHEAD_ROUND).filter(({ kind }) => kind === 'job');
    const byId = new Map(jobs.map((row) => [row.work_id, row]));
    const placed = place(jobs.map(needsOf), rooms);
    give(
      placed.map(({ id, nodeId }) => ({ row: byId.get(id)!, nodeId })),
      true,
      now,
    );
  }

  return {
    schedule(now: number): void {
      giveAhead(placeWaiting(now), now);
    },
  };
}
