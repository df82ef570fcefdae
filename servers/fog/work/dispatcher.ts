/**
 * Gives work to the nodes that are linked to this process, hears of it, and takes it back from nodes that are silent. What is true
 * stands in fog.db; this holds links and a tick. Only one process on a data folder runs it (owner.ts).
 */
import type { Log } from '../../../shared/log.ts';
import type { Link } from '../link/link.ts';
import type { FromNode, FromServer } from '../link/messages.ts';
import { createLinked, type Linked } from './linked.ts';
import type { Nodes } from './nodes.ts';
import { createScheduler, type Gift } from './scheduler.ts';
import type { Timing } from './timing.ts';
import type { Work } from './work.ts';

export interface DispatcherOptions {
  readonly work: Work;
  readonly nodes: Nodes;
  readonly nowMs: () => number;
  readonly log: Log;
  readonly timing: Timing;
  /** Whether this node may join. */
  readonly admits: (nodeId: string) => boolean;
  /** Where peers of the village are, for nodes that join. */
  readonly peers: () => readonly string[];
}

export interface Dispatcher {
  /** Serves one node until its link ends. */
  serve(link: Link<FromServer, FromNode>): Promise<void>;
  /** Something waits, or is to be cancelled: looks soon. */
  poke(): void;
  /** What a living shard printed last. */
  tailOf(workId: string): string | undefined;
  close(): Promise<void>;
}

const METER_EVERY_MS = 60_000;
/** How long after its time a job that a node does not end is taken from it, and how often that is looked for. */
const OVERDUE_MS = 30_000;
const OVERDUE_EVERY_MS = 5_000;

export function createDispatcher(options: DispatcherOptions): Dispatcher {
  const { work, nodes, nowMs, log, timing } = options;
  const linked = new Map<string, Linked>();
  const tails = new Map<string, string>();
  let isPoked = false;
  let isClosed = false;
  let lastTickAt = nowMs();
  let lookedForOverdueAt = lastTickAt;
  const { schedule } = createScheduler({
    work,
    nodes,
    linked: () => new Set(linked.keys()),
    quick: () => new Set([...linked].filter(([, one]) => one.isQuick()).map(([nodeId]) => nodeId)),
    give,
  });
  // Nobody listened until now: what was up has its time to come back.
  nodes.touch(
    nodes.list(['up']).map(({ nodeId }) => nodeId),
    lastTickAt + timing.leaseMs,
  );

  const tick = setInterval(() => guarded('tick', onTick), timing.tickMs);

  function guarded(what: string, step: () => void): void {
    try {
      if (!isClosed) step();
    } catch (cause) {
      log.error({ cause, what }, 'a step of the dispatcher failed; it is tried again');
    }
  }

  function onTick(): void {
    const now = nowMs();
    // If this process slept, the nodes were not silent: nobody listened.
    if (now - lastTickAt > timing.leaseMs / 2) {
      nodes.touch([...linked.keys()], now);
      lookedForOverdueAt = now;
    }
    lastTickAt = now;
    for (const nodeId of nodes.silentSince(now - timing.leaseMs)) lose(nodeId, now);
    for (const one of linked.values()) {
      if (now - one.meteredAt >= METER_EVERY_MS) meterShards(one, now);
      for (const { workId, fence } of one.recalls(now)) one.link.send({ type: 'recall', work_id: workId, fence });
    }
    if (now - lookedForOverdueAt >= OVERDUE_EVERY_MS) takeOverdue(now);
    look();
  }

  function takeOverdue(now: number): void {
    lookedForOverdueAt = now;
    for (const { work_id: workId, fence, node_id: nodeId } of work.overdue(now, OVERDUE_MS)) {
      work.takeBack(workId, fence, 'overdue', 'its node did not end it in its time', now);
      log.warn({ workId, nodeId }, 'a node sat on a job; it is placed again');
    }
  }

  function lose(nodeId: string, now: number): void {
    const one = linked.get(nodeId);
    if (one !== undefined) {
      meterShards(one, now);
      linked.delete(nodeId);
      one.link.abort('silent for too long');
    }
    nodes.leave(nodeId, 'lost');
    const released = work.release(nodeId, now);
    log.warn({ nodeId, released }, 'a node is gone; its work is placed again');
  }

  function look(): void {
    stopCancelled();
    schedule(nowMs());
  }

  function give(gifts: readonly Gift[], isAhead: boolean, now: number): void {
    if (gifts.length === 0) return;
    const given = work.together(() =>
      gifts.flatMap(({ row, nodeId }) => {
        const one = linked.get(nodeId);
        const lease = one && work.grant(row.work_id, nodeId, now, isAhead);
        return one === undefined || lease === undefined ? [] : [{ one, row, fence: lease.fence }];
      }),
    );
    for (const { one, row, fence } of given) {
      if (isAhead) one.gaveAhead(row.work_id, fence, now);
      one.link.send({
        type: 'run',
        work_id: row.work_id,
        fence,
        kind: row.kind,
        program: row.program,
        args: JSON.parse(row.args) as string[],
        label: row.label,
        cpu_cores: row.cpu_cores,
        memory_gb: row.memory_gb,
        gpu: row.gpu === 1,
        wall_seconds: row.wall_seconds,
      });
    }
  }

  function stopCancelled(): void {
    for (const row of work.cancelling()) {
      const one = linked.get(row.node_id ?? '');
      if (one?.stopOnce(row.work_id, row.fence) !== true) continue;
      one.link.send({ type: 'stop', work_id: row.work_id, fence: row.fence, detail: 'stopped on request' });
    }
  }

  function meterShards(one: Linked, now: number): void {
    one.meteredAt = now;
    for (const { workId, fence, ...used } of one.used.values()) {
      if (work.get(workId)?.kind === 'shard') work.meter(workId, fence, used, now);
    }
  }

  function onJoin(link: Link<FromServer, FromNode>, message: FromNode & { type: 'join' }): void {
    const { remotePeerId: nodeId } = link;
    const now = nowMs();
    linked.get(nodeId)?.link.abort('the node joined anew');
    nodes.join(
      nodeId,
      {
        agent: message.agent,
        cpuCores: message.cpu_cores,
        memoryGb: message.memory_gb,
        gpu: message.gpu,
        priceMicro: message.price_micro,
        hasSandbox: message.has_sandbox,
        programs: message.programs,
      },
      now,
    );
    const one = createLinked(link, now);
    const holds = new Set(message.runs.map(({ work_id, fence }) => `${work_id}:${fence}`));
    for (const { work_id: workId, fence, is_ahead } of work.heldBy(nodeId)) {
      if (!holds.has(`${workId}:${fence}`)) work.takeBack(workId, fence, 'lost', 'its node started anew', now);
      else if (is_ahead === 1) one.gaveAhead(workId, fence, now);
    }
    linked.set(nodeId, one);
    link.send({
      type: 'joined',
      beat_every_ms: timing.beatEveryMs,
      orphan_after_ms: timing.orphanAfterMs,
      drop: message.runs.filter(({ work_id, fence }) => !work.holds(work_id, fence, nodeId)),
      peers: [...options.peers()],
    });
    log.info({ nodeId, agent: message.agent, cpuCores: message.cpu_cores }, 'a node joined');
    poke();
  }

  function onBeat(one: Linked, message: FromNode & { type: 'beat' }): void {
    const { link } = one;
    const now = nowMs();
    const { load, memory_free_gb: memoryFreeGb, round_trip_ms: latencyMs } = message;
    if (!nodes.pulse(link.remotePeerId, { load, memoryFreeGb, latencyMs }, now)) {
      // It was given up by another process on this file: it joins anew.
      link.abort('not up by our book');
      return;
    }
    const drop: { work_id: string; fence: number }[] = [];
    one.used.clear();
    for (const { work_id: workId, fence, cpu_ms: cpuMs, mb_ms: mbMs, progress, log_tail } of message.runs) {
      if (!work.holds(workId, fence, link.remotePeerId)) {
        drop.push({ work_id: workId, fence });
        continue;
      }
      one.used.set(workId, { workId, fence, cpuMs, mbMs });
      if (progress !== undefined && work.get(workId)?.progress !== progress) {
        work.progressed(workId, fence, link.remotePeerId, progress, now);
      }
      if (log_tail !== undefined) tails.set(workId, log_tail);
    }
    link.send({ type: 'beaten', number: message.number, drop });
  }

  function onFinished(one: Linked, message: FromNode & { type: 'finished' }): void {
    const { work_id: workId, fence, exit_code: exitCode, cpu_ms: cpuMs, mb_ms: mbMs } = message;
    const { outcome, detail, stdout, stderr, is_truncated: isTruncated } = message;
    const result = { outcome, exitCode, detail, cpuMs, mbMs, stdout, stderr, isTruncated };
    const now = nowMs();
    one.ended(workId, now);
    const counted = work.together(() => {
      const counts = work.finished(workId, fence, one.link.remotePeerId, result, now);
      if (one.hasAhead()) work.promote(one.link.remotePeerId, now);
      return counts;
    });
    if (!counted) log.warn({ workId, fence, nodeId: one.link.remotePeerId }, 'a late result does not count');
    one.used.delete(workId);
    tails.delete(workId);
    // The answer and what comes next go in one envelope: both are said in this turn.
    poke();
    one.link.send({ type: 'taken', work_id: workId, fence, counted });
  }

  function onStarted(one: Linked, { work_id: workId, fence }: FromNode & { type: 'started' }): void {
    const now = nowMs();
    if (work.started(workId, fence, one.link.remotePeerId, now)) one.started(workId, now);
  }

  async function listen(link: Link<FromServer, FromNode>): Promise<void> {
    const { remotePeerId: nodeId } = link;
    for await (const message of link.messages()) {
      if (isClosed) return;
      if (message.type === 'join') {
        if (!options.admits(nodeId)) {
          link.send({ type: 'refused', why: 'this node is not on the list of nodes that may join' });
          await link.close();
          return;
        }
        onJoin(link, message);
        continue;
      }
      const one = linked.get(nodeId);
      if (one?.link !== link) return link.abort('expected to join first');
      if (message.type === 'beat') onBeat(one, message);
      else if (message.type === 'finished') onFinished(one, message);
      else if (message.type === 'started') onStarted(one, message);
      else if (message.type === 'returned') {
        if (work.returned(message.work_id, message.fence, nodeId, nowMs())) poke();
      } else {
        linked.delete(nodeId);
        meterShards(one, nowMs());
        nodes.leave(nodeId, 'left');
        work.release(nodeId, nowMs());
        poke();
      }
    }
  }

  function poke(): void {
    if (isPoked || isClosed) return;
    isPoked = true;
    setImmediate(() => {
      isPoked = false;
      guarded('schedule', look);
    });
  }

  return {
    async serve(link) {
      try {
        await listen(link);
      } finally {
        // No more work goes there; what it holds it keeps for a moment, in case it comes back.
        if (linked.get(link.remotePeerId)?.link === link) {
          linked.delete(link.remotePeerId);
          if (!isClosed) nodes.backdate(link.remotePeerId, nowMs() - timing.leaseMs + timing.returnWithinMs);
        }
      }
    },
    poke,
    tailOf: (workId) => tails.get(workId),
    async close() {
      isClosed = true;
      clearInterval(tick);
      const all = [...linked.values()];
      linked.clear();
      await Promise.allSettled(all.map(({ link }) => link.close()));
    },
  };
}
