/**
 * The call leaves for its server, at the copy that is chosen for it; what comes back is passed on as it is. To another copy
 * it goes only when it did not run, or runs twice without harm (R4).
 */
import { AppError } from '../../shared/errors.ts';
import type { Member } from '../../shared/json/scan.ts';
import type { Call } from '../call.ts';
import type { Entry } from '../catalog/catalog.ts';
import { type Message, progressTokenOf } from '../message.ts';
import type { Router } from '../router.ts';
import type { Session } from '../session.ts';
import type { Copy } from '../upstreams/copy.ts';
import type { Answer, Peer } from '../upstreams/peer.ts';
import type { Turns } from '../upstreams/turns.ts';
import { checkStop } from './check-stop.ts';
import { paramsFor, passProgress } from './params.ts';

/**
 * @param timeoutMs of the row that allowed it, if it sets one
 * @throws AppError UPSTREAM_UNAVAILABLE, TIMEOUT, RESULT_TOO_LARGE, CONNECTION_LOST, OUTCOME_UNKNOWN, RATE_LIMITED
 */
export type Relay = (call: Call, entry: Entry, timeoutMs: number | undefined, router: Router) => Promise<Answer>;

export const forward: Relay = (call, entry, timeoutMs, router) => {
  const limitMs = limitFor(entry, timeoutMs, router);
  return entry.server.turns === undefined
    ? relay(call, entry, limitMs, router)
    : relayInTurn(entry.server.turns, call, entry, limitMs, router);
};

async function relayInTurn(turns: Turns, call: Call, entry: Entry, limitMs: number, router: Router): Promise<Answer> {
  const turn = turns.take(call, limitMs);
  if (turn !== undefined) await turn;
  try {
    call.check();
    return await relay(call, entry, limitMs, router);
  } finally {
    turns.give();
  }
}

/** The same on a connection that was chosen already, unless that is over before the server took the call. */
export async function forwardTo(
  peer: Peer,
  call: Call,
  entry: Entry,
  timeoutMs: number | undefined,
  router: Router,
): Promise<Answer> {
  try {
    return await send(
      call,
      entry,
      peer,
      { limitMs: limitFor(entry, timeoutMs, router), isMovable: false, isFirst: true },
      router,
    );
  } catch (error) {
    if (!didNotRun(error) || !peer.isClosed) throw sayLost(call, entry, error);
    call.check();
    return forward(call, entry, timeoutMs, router);
  }
}

function relay(call: Call, entry: Entry, limitMs: number, router: Router): Promise<Answer> {
  const { server } = entry;
  if (server.isBalanced) return relayToCopies(call, entry, limitMs, router);
  return relayToOne(call, entry, limitMs, router);
}

/** One try: how long it may take, whether it may be given up for another, whether it is the first. */
interface Try {
  readonly limitMs: number;
  readonly isMovable: boolean;
  readonly isFirst: boolean;
}

/** One copy, or the session's own connection. Another connection is tried when the first was over before the server took the call. */
async function relayToOne(call: Call, entry: Entry, limitMs: number, router: Router): Promise<Answer> {
  const { server } = entry;
  const isShared = server.options.isolation === 'shared';
  const trial: Try = { limitMs, isMovable: false, isFirst: true };
  for (let isLast = false; ; isLast = true) {
    let peer: Peer;
    let copy: Copy | undefined;
    if (isShared) {
      const found = server.copyFor(entry.item);
      copy = found instanceof Promise ? await found : found;
      peer = copy.peer!;
    } else peer = await server.peerFor(call.session);
    try {
      const answer = await send(call, entry, peer, trial, router);
      copy?.liveness.succeeded();
      return answer;
    } catch (error) {
      if (isFault(error, call)) copy?.failed();
      // Such as a session that the server forgot: a new connection is made for it.
      if (isLast || !didNotRun(error) || !peer.isClosed) throw sayLost(call, entry, error);
      call.check();
    }
  }
}

/** Of several copies the one that the strategy says; then others, while that can do no harm and there is time. */
const MAX_TRIES = 3;

async function relayToCopies(call: Call, entry: Entry, limitMs: number, router: Router): Promise<Answer> {
  const isSafe = runsTwiceWithoutHarm(call, entry);
  const until = performance.now() + limitMs;
  let tried: readonly Copy[] = [];
  for (;;) {
    let copy: Copy;
    try {
      const found = entry.server.copyFor(entry.item, tried);
      copy = found instanceof Promise ? await found : found;
    } catch (error) {
      throw sayLost(call, entry, call.failure ?? error);
    }
    call.check();
    const sentAt = performance.now();
    const isFirst = tried.length === 0;
    tried = [...tried, copy];
    try {
      const trial = { limitMs: Math.max(1, until - sentAt), isMovable: isSafe && isFirst, isFirst };
      const answer = await send(call, entry, copy.peer!, trial, router);
      const now = performance.now();
      copy.answered(now - sentAt, now, saysFailed(answer));
      return answer;
    } catch (error) {
      if (isFault(error, call)) copy.failed();
      const mayGoOn = didNotRun(error) || (isSafe && isLost(error));
      if (!mayGoOn || tried.length >= MAX_TRIES || call.ended !== undefined || performance.now() >= until)
        throw sayLost(call, entry, didNotRun(error) ? (call.failure ?? error) : error);
      // That it was lost once counts more than that it did not run the next time.
      if (isLost(error)) call.failure = error;
      call.moves++;
    }
  }
}

/** Reads may always run twice; tools when they say so, and what was voted on only when it changes nothing. */
function runsTwiceWithoutHarm(call: Call, { item, target }: Entry): boolean {
  return target.kind !== 'tool' || item.readOnly || (item.idempotent && call.approval === undefined);
}

/** Of the errors of a connection, the one that says that the server did not begin with the call. */
function didNotRun(error: unknown): boolean {
  return error instanceof AppError && error.kind === 'UPSTREAM_UNAVAILABLE';
}

function isLost(error: unknown): boolean {
  return error instanceof AppError && error.kind === 'CONNECTION_LOST';
}

const FAULTS: ReadonlySet<string> = new Set(['TIMEOUT', 'CONNECTION_LOST', 'UPSTREAM_UNAVAILABLE', 'UPSTREAM_INVALID']);

/** Whether it may be the copy's fault; what the client or a stop ended is not. */
function isFault(error: unknown, call: Call): boolean {
  return call.ended === undefined && error instanceof AppError && FAULTS.has(error.kind);
}

const FAILED = /"isError"\s*:\s*true|"code"\s*:\s*-32603/;
const LOOKED_AT = 2_000;

/** The tool, or the server, says that it failed: at the start or the end of what it answers. */
export function saysFailed({ octets }: Answer): boolean {
  if (octets.length <= LOOKED_AT) return FAILED.test(octets);
  return FAILED.test(octets.slice(-LOOKED_AT / 2)) || FAILED.test(octets.slice(0, LOOKED_AT / 2));
}

function limitFor({ server }: Entry, timeoutMs: number | undefined, { settings }: Router): number {
  return timeoutMs ?? server.options.timeoutMs ?? settings.defaultTimeoutMs;
}

/** Throws what `Relay` says, at once or as a rejection. */
function send(call: Call, entry: Entry, peer: Peer, trial: Try, router: Router): Promise<Answer> {
  const assertion = assertionFor(call, entry, router);
  return assertion instanceof Promise
    ? assertion.then((made) => sendWith(made, call, entry, peer, trial, router))
    : sendWith(assertion, call, entry, peer, trial, router);
}

function sendWith(
  assertion: string | undefined,
  call: Call,
  entry: Entry,
  peer: Peer,
  trial: Try,
  router: Router,
): Promise<Answer> {
  call.check();
  checkStop(call, router);
  noteUse(call.session, peer);
  const token = progressTokenOf(call.message);
  const { assertion: carrier } = entry.server.options;
  return peer.request(
    call.message.method,
    paramsFor(call, entry, peer, token, carrier === 'meta' ? assertion : undefined),
    {
      call,
      assertion,
      timeoutMs: trial.limitMs,
      maxMs: router.settings.maxTimeoutMs,
      movable: trial.isMovable,
      progress: token === undefined ? undefined : progressTo(call, token, trial),
    },
  );
}

/** A second try begins anew, and progress never goes back: it keeps the call alive and is not told. */
function progressTo(call: Call, token: Member, { isFirst }: Try): (notification: Message) => void {
  return isFirst ? (message) => passProgress(call, message, token) : () => {};
}

/** Connections come and go while a session lasts; those that are gone are let go. */
function noteUse(session: Session, peer: Peer): void {
  peer.useBy(session);
  if (session.used.has(peer)) return;
  for (const each of session.used) if (each.isClosed) session.used.delete(each);
  session.used.add(peer);
}

/** Remembered while it is fresh: then nothing is waited for. */
function assertionFor(call: Call, { server }: Entry, router: Router): string | Promise<string> | undefined {
  return server.options.assertion === undefined ? undefined : router.identity.assertion(call.caller, server.id);
}

/** The server was lost while it ran the call: whether it took effect is known only for a call that has none. */
function sayLost(call: Call, entry: Entry, error: unknown): unknown {
  if (!isLost(error) || call.ended !== undefined) return error;
  const afterMs = Math.round(performance.now() - call.startedAt);
  const known = { server: entry.server.id, correlationId: call.correlationId, afterMs };
  if (runsTwiceWithoutHarm(call, entry)) {
    return new AppError('CONNECTION_LOST', {
      text: 'The server was lost while it ran the call; it is safe to try again',
      data: { ...known, safeToRetry: true },
      cause: error,
    });
  }
  return new AppError('OUTCOME_UNKNOWN', {
    text: `The server was lost ${afterMs} ms after the call came; it may or may not have taken effect, and was not tried again. Find out before you call again`,
    data: { ...known, safeToRetry: false },
    cause: error,
  });
}
