/**
 * A fog node at work: stays linked to the server that it trusts, takes runs from it alone, tells what becomes of them until that is
 * taken, and ends everything when it has been alone for too long. Knows no transport.
 */
import { AppError } from '../../../shared/errors.ts';
import type { FogRules, Program } from '../../../shared/fog-rules.ts';
import type { Log } from '../../../shared/log.ts';
import type { Link } from '../link/link.ts';
import type { FromNode, FromServer, RunOrder } from '../link/messages.ts';
import { createHolding, type Held } from './holding.ts';
import { DEFAULT_LIMITS, type RunEnd } from './limits.ts';
import type { Busy, Machine } from './machine.ts';
import type { RunnerClient } from './runner-client.ts';

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
  readonly runner: RunnerClient;
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

const FIRST_WAIT_MS = 100;
const LONGEST_WAIT_MS = 1_000;
const BUSY_EVERY_MS = 2_000;
const MAX_LOG_TAIL = 16_000;

export function startNodeAgent(options: NodeAgentOptions): NodeAgent {
  const { offering, runner, log } = options;
  const holding = createHolding({
    ...offering,
    prepare: prepareRun,
    onStarted({ work_id, fence }) {
      if (isJoined) link?.send({ type: 'started', work_id, fence });
    },
    onEnded(held, end) {
      if (isJoined) tellEnd(held, end);
    },
    reasonOf(error) {
      log.warn({ cause: error }, 'a run was refused');
      return error instanceof AppError ? error.message : 'the node could not start it';
    },
  });
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
    if (performance.now() - lastHeardAt > orphanAfterMs) holding.loseAll('its node lost the server');
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
      runs: holding.all().map(({ work_id, fence }) => ({ work_id, fence })),
    });
  }

  function receive(message: FromServer): void {
    lastHeardAt = performance.now();
    switch (message.type) {
      case 'joined':
        isJoined = true;
        orphanAfterMs = message.orphan_after_ms;
        holding.drop(message.drop);
        for (const one of holding.all()) {
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
        holding.drop(message.drop);
        return;
      case 'run':
        holding.take(message);
        return;
      case 'recall':
        if (holding.giveBack(message)) {
          link?.send({ type: 'returned', work_id: message.work_id, fence: message.fence });
        }
        return;
      case 'stop':
        holding.stop(message, message.detail);
        return;
      case 'taken':
        holding.taken(message);
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
    link.send({
      type: 'beat',
      number,
      load: busy.load,
      memory_free_gb: busy.memoryFreeGb,
      ...(roundTripMs !== undefined && { round_trip_ms: roundTripMs }),
      runs: holding.all().flatMap((one) => (one.isStarted && one.end === undefined ? [beatOf(one)] : [])),
    });
  }

  /** @throws AppError for what this node does not allow, whatever the server says */
  function prepareRun(order: RunOrder, runId: string) {
    const { commands, agents } = options.rules();
    const [kind, name = ''] = order.program.split(':');
    const program = (kind === 'agent' ? agents : commands).get(name);
    if (program === undefined) throw new AppError('FORBIDDEN', { text: `This node does not allow ${name}` });
    const { cpu_cores: cpuCores, memory_gb: memoryGb, wall_seconds: wallSeconds } = order;
    const limits = { ...DEFAULT_LIMITS, cpuCores, memoryGb, wallSeconds };
    return runner.prepare({ runId, kind: order.kind, program, args: order.args, gpu: order.gpu, limits });
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

/** What a beat says of a run that lives; of a shard also what it printed last, when that is news. */
function beatOf(one: Held) {
  const { cpuMs = 0, mbMs = 0, progress, tail = '' } = one.run?.look() ?? {};
  const kept = tail.slice(-MAX_LOG_TAIL);
  const isNews = kept !== one.toldTail;
  one.toldTail = kept;
  return {
    work_id: one.work_id,
    fence: one.fence,
    cpu_ms: cpuMs,
    mb_ms: mbMs,
    ...(progress !== undefined && { progress }),
    ...(isNews && { log_tail: kept }),
  };
}
