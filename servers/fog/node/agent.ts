/**
 * A fog node at work: stays linked to the server that it trusts, takes runs from it alone, tells what becomes of them until that is
 * taken, and ends everything when it has been alone for too long. Knows no transport.
 */
import { AppError } from '../../../shared/errors.ts';
import type { FogRules, Program } from '../../../shared/fog-rules.ts';
import type { Log } from '../../../shared/log.ts';
import type { Link } from '../link/link.ts';
import type { FromNode, FromServer, RunOrder } from '../link/messages.ts';
import { DEFAULT_LIMITS, type RunEnd } from './limits.ts';
import type { Busy, Machine } from './machine.ts';
import type { Run } from './run.ts';
import type { Runner } from './runner.ts';

export interface NodeOffering extends Machine {
  /** Who is paid for its work. */
  readonly agent: string;
  /** Micro-FOG for a CPU-second. */
  readonly priceMicro: number;
}

export interface NodeAgentOptions {
  readonly offering: NodeOffering;
  /** What may run here, as this node's own configuration says; the server has no say in it. */
  readonly rules: () => FogRules;
  readonly runner: Runner;
  readonly busy: () => Promise<Busy>;
  /** Reaches the server that this node trusts, and nobody else. */
  readonly dial: () => Promise<Link<FromNode, FromServer>>;
  /** Told when the server names peers of its village. */
  readonly onPeers: (addresses: readonly string[]) => void;
  readonly log: Log;
}

export interface NodeAgent {
  /** Resolves when it joined for the first time. */
  readonly joined: Promise<void>;
  /** Tells the server that it goes, ends its runs, and ends. */
  close(): Promise<void>;
}

interface Held {
  readonly work_id: string;
  readonly fence: number;
  readonly kind: 'job' | 'shard';
  readonly run: Run | undefined;
  end: RunEnd | undefined;
  toldTail: string;
}

const FIRST_WAIT_MS = 100;
const LONGEST_WAIT_MS = 1_000;
const BUSY_EVERY_MS = 2_000;
const MAX_LOG_TAIL = 16_000;
/** Results of runs that the server never asked for again. */
const MAX_UNTAKEN = 10_000;

export function startNodeAgent(options: NodeAgentOptions): NodeAgent {
  const { offering, runner, log } = options;
  const held = new Map<string, Held>();
  const { promise: joined, resolve: onJoined } = Promise.withResolvers<void>();
  let link: Link<FromNode, FromServer> | undefined;
  let isJoined = false;
  let isClosed = false;
  let orphanAfterMs = Number.POSITIVE_INFINITY;
  let lastHeardAt = performance.now();
  let busy: Busy = { load: 0, memoryFreeGb: offering.memoryGb };
  let beatTimer: NodeJS.Timeout | undefined;
  let number = 0;
  let sentAt = 0;
  let roundTripMs: number | undefined;

  const busyTimer = setInterval(measure, BUSY_EVERY_MS);
  measure();
  const aloneTimer = setInterval(() => {
    if (performance.now() - lastHeardAt <= orphanAfterMs) return;
    for (const one of held.values()) one.run?.stop('lost', 'its node lost the server');
  }, 250);

  function measure(): void {
    options.busy().then(
      (measured) => {
        busy = measured;
      },
      (cause: unknown) => log.warn({ cause }, 'the machine could not be measured'),
    );
  }

  async function stayLinked(): Promise<void> {
    let waitMs = FIRST_WAIT_MS;
    while (!isClosed) {
      try {
        link = await options.dial();
        waitMs = FIRST_WAIT_MS;
        join(link);
        for await (const message of link.messages()) receive(message);
      } catch (cause) {
        if (!isClosed) log.info({ cause }, 'no link to the fog server; it is tried again');
      }
      link?.abort('the link ended');
      link = undefined;
      isJoined = false;
      clearInterval(beatTimer);
      if (!isClosed) await new Promise((resolve) => setTimeout(resolve, waitMs));
      waitMs = Math.min(waitMs * 2, LONGEST_WAIT_MS);
    }
  }

  function join(to: Link<FromNode, FromServer>): void {
    const { commands, agents } = options.rules();
    const usable = ([, program]: [string, Program]) => !program.sandbox || runner.containment.hasNamespaces;
    to.send({
      type: 'join',
      agent: offering.agent,
      cpu_cores: offering.cpuCores,
      memory_gb: offering.memoryGb,
      gpu: offering.gpu,
      price_micro: offering.priceMicro,
      has_sandbox: runner.containment.hasNamespaces,
      programs: [
        ...[...commands].filter(usable).map(([name]) => `command:${name}`),
        ...[...agents].filter(usable).map(([name]) => `agent:${name}`),
      ],
      runs: [...held.values()].map(({ work_id, fence }) => ({ work_id, fence })),
    });
  }

  function receive(message: FromServer): void {
    lastHeardAt = performance.now();
    switch (message.type) {
      case 'joined':
        isJoined = true;
        orphanAfterMs = message.orphan_after_ms;
        drop(message.drop);
        for (const one of held.values()) {
          // It may be another process that listens now.
          one.toldTail = '';
          if (one.end !== undefined) tellEnd(one, one.end);
        }
        beatTimer = setInterval(beat, message.beat_every_ms);
        beat();
        if (message.peers.length > 0) options.onPeers(message.peers);
        onJoined();
        return;
      case 'beaten':
        if (message.number === number) roundTripMs = performance.now() - sentAt;
        drop(message.drop);
        return;
      case 'run':
        take(message);
        return;
      case 'stop':
        held.get(keyOf(message))?.run?.stop('cancelled', message.detail);
        return;
      case 'taken':
        held.delete(keyOf(message));
        return;
      case 'refused':
        log.error({ why: message.why }, 'the fog server does not take this node');
        return;
    }
  }

  function beat(): void {
    if (link === undefined) return;
    number++;
    sentAt = performance.now();
    const runs = [...held.values()].flatMap((one) => {
      if (one.run === undefined || one.end !== undefined) return [];
      const { cpuMs, mbMs } = one.run.used();
      const progress = one.run.progress();
      const tail = one.kind === 'shard' ? one.run.tail().slice(-MAX_LOG_TAIL) : one.toldTail;
      const isNews = tail !== one.toldTail;
      one.toldTail = tail;
      return [
        {
          work_id: one.work_id,
          fence: one.fence,
          cpu_ms: cpuMs,
          mb_ms: mbMs,
          ...(progress !== undefined && { progress }),
          ...(isNews && { log_tail: tail }),
        },
      ];
    });
    link.send({
      type: 'beat',
      number,
      load: busy.load,
      memory_free_gb: busy.memoryFreeGb,
      ...(roundTripMs !== undefined && { round_trip_ms: roundTripMs }),
      runs,
    });
  }

  function take(order: RunOrder): void {
    const key = keyOf(order);
    if (held.has(key)) return;
    const base = { work_id: order.work_id, fence: order.fence, kind: order.kind, toldTail: '' };
    let run: Run;
    try {
      run = runner.start({
        runId: key,
        kind: order.kind,
        program: programOf(order),
        args: order.args,
        limits: {
          ...DEFAULT_LIMITS,
          cpuCores: order.cpu_cores,
          memoryGb: order.memory_gb,
          wallSeconds: order.wall_seconds,
        },
      });
    } catch (error) {
      const detail = error instanceof AppError ? error.message : 'the node could not start it';
      log.warn({ cause: error, program: order.program }, 'a run was refused');
      ended({ ...base, run: undefined, end: undefined }, refusedEnd(detail));
      return;
    }
    const one: Held = { ...base, run, end: undefined };
    held.set(key, one);
    if (isJoined) link?.send({ type: 'started', work_id: order.work_id, fence: order.fence });
    void run.ended.then((end) => ended(one, end));
  }

  /** @throws AppError for what this node does not allow, whatever the server says */
  function programOf({ program }: RunOrder): Program {
    const { commands, agents } = options.rules();
    const [kind, name = ''] = program.split(':');
    const found = (kind === 'agent' ? agents : commands).get(name);
    if (found === undefined) throw new AppError('FORBIDDEN', { text: `This node does not allow ${name}` });
    return found;
  }

  function ended(one: Held, end: RunEnd): void {
    const key = keyOf(one);
    // It was dropped: nobody waits for it.
    if (one.run !== undefined && held.get(key) !== one) return;
    one.end = end;
    held.set(key, one);
    if (held.size > MAX_UNTAKEN) held.delete(held.keys().next().value ?? '');
    if (isJoined) tellEnd(one, end);
  }

  function tellEnd({ work_id, fence }: Held, end: RunEnd): void {
    link?.send({
      type: 'finished',
      work_id,
      fence,
      cpu_ms: end.cpuMs,
      mb_ms: end.mbMs,
      outcome: end.outcome,
      ...(end.exitCode !== undefined && { exit_code: end.exitCode }),
      detail: end.detail,
      stdout: end.stdout,
      stderr: end.stderr,
      is_truncated: end.isTruncated,
    });
  }

  function drop(runs: readonly { readonly work_id: string; readonly fence: number }[]): void {
    for (const one of runs) {
      const key = keyOf(one);
      const known = held.get(key);
      held.delete(key);
      known?.run?.stop('lost', 'others have it by now');
    }
  }

  const linking = stayLinked();

  return {
    joined,
    async close() {
      isClosed = true;
      clearInterval(busyTimer);
      clearInterval(aloneTimer);
      clearInterval(beatTimer);
      await runner.close();
      if (isJoined) link?.send({ type: 'leave' });
      await link?.close();
      await linking;
    },
  };
}

function keyOf({ work_id, fence }: { readonly work_id: string; readonly fence: number }): string {
  return `${work_id}:${fence}`;
}

function refusedEnd(detail: string): RunEnd {
  const nothing = { cpuMs: 0, mbMs: 0, stdout: '', stderr: '', isTruncated: false };
  return { outcome: 'failed', exitCode: undefined, detail, ...nothing };
}
