/**
 * One MCP session with one upstream, whatever carries it: our ids, the requests in flight with their deadlines, progress
 * back to whom it belongs. It relays octets; of what passes it reads the envelope only.
 */
import { AppError, toAppError } from '../../shared/errors.ts';
import { type Octets, stringifyOctets } from '../../shared/json/octets.ts';
import type { Call } from '../call.ts';
import type { CoarseTimer } from '../coarse-timer.ts';
import { type Message, memberOf, octetsOf, readUpstreamMessage } from '../message.ts';
import type { Session } from '../session.ts';
import { type ClientInfo, type InitializeResult, initializeParams, readInitializeResult } from './handshake.ts';
import { answeredId } from './http/answers.ts';
import { reasonsToPause } from './reasons-to-pause.ts';
import { Talk } from './talk.ts';
import type { Transport } from './transport.ts';
import { LARGE_BYTES, Undelivered } from './undelivered.ts';

/** An upstream's answer: the octets of its `result` or `error` member, as they came. */
export interface Answer {
  readonly ok: boolean;
  readonly octets: Octets;
}

export interface RequestOptions {
  /** The client's call that it is made for; absent when the router asks for itself. */
  readonly call?: Call;
  /** Without an answer, or progress, for so long it ends with TIMEOUT. */
  readonly timeoutMs: number;
  /** It ends after so long, whatever progress says. */
  readonly maxMs: number;
  /** Names the call's caller to the server, where the transport carries it beside the message. */
  readonly assertion?: string | undefined;
  /** It may as well be made elsewhere: it runs twice without harm. */
  readonly movable?: boolean;
  /** Takes the progress notifications of the request. */
  readonly progress?: ((notification: Message) => void) | undefined;
}

/** What an upstream says unasked. `call` is the client's call it belongs to, where the transport tells. */
export interface PeerEvents {
  onRequest(peer: Peer, message: Message, call: Call | undefined): void;
  onNotification(peer: Peer, message: Message, call: Call | undefined): void;
  onClose(peer: Peer, error: Error | undefined): void;
}

interface Pending {
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: AppError) => void;
  readonly options: RequestOptions;
  deadline: number;
  readonly latest: number;
  /** Requests of the upstream to the client that this one waits for: a person may be thinking. */
  questions: number;
}

const HANDSHAKE_TIMEOUT_MS = 30_000;
/** How long a server that does not heed a cancellation is expected to speak of the call. */
const GIVEN_UP_MS = 5_000;
/** So many messages that were no JSON-RPC are named in the log; then the tenth, hundredth, … of them. */
const NAMED_BAD_MESSAGES = 5;

export interface PeerOptions {
  readonly timer: CoarseTimer;
  readonly events: PeerEvents;
  readonly clientInfo: ClientInfo;
  readonly onBadMessage: (count: number, why: string) => void;
  readonly startTimeoutMs?: number;
  /** The session that has this connection to itself. */
  readonly session?: Session;
  /** The emergency stop that keeps everything from this server, if one does: then no byte leaves. */
  readonly stopped?: () => AppError | undefined;
}

export class Peer {
  /** Set once connected. */
  initialized!: InitializeResult;
  /** Messages that were no JSON-RPC so far. */
  badMessages = 0;
  /** Messages that came so far. */
  received = 0;
  /** The session that has this connection to itself, if one has. */
  readonly session: Session | undefined;
  private readonly transport: Transport;
  private readonly options: PeerOptions;
  private readonly pending = new Map<number, Pending>();
  private readonly stopTimer: () => void;
  private readonly undelivered: Undelivered;
  private readonly talk: Talk;
  /** Calls that an emergency stop cancelled and that the server may still be running. */
  private readonly unfinished = new Set<number>();
  /** Calls that were given up and that the server has not answered: it may speak of them yet. */
  private readonly givenUp = new Map<number, { readonly call: Call; readonly until: number }>();
  private users: Session | 'none' | 'several' = 'none';
  private nextId = 1;
  private closed = false;

  constructor(transport: Transport, options: PeerOptions) {
    this.transport = transport;
    this.options = options;
    this.session = options.session;
    const reason = reasonsToPause({ pause: () => transport.pause?.(), resume: () => transport.resume?.() });
    this.undelivered = new Undelivered(reason());
    this.talk = new Talk(reason());
    this.stopTimer = options.timer.add((now) => this.expire(now));
  }

  /** Starts the transport and shakes hands. Rejects with AppError or what the transport threw; then it is closed. */
  async connect(): Promise<InitializeResult> {
    try {
      await this.transport.start({
        onMessage: (text, carrier) => this.receive(text, carrier),
        onRequestFailed: (id, error) => this.fail(id, toAppError(error)),
        onPaused: (id, retryMs) => this.callOf(id)?.exchange.pause?.(retryMs),
        onBadMessage: (why) => this.skipped(why),
        onClose: (error) => this.lost(error),
      });
      const timeoutMs = this.options.startTimeoutMs ?? HANDSHAKE_TIMEOUT_MS;
      const params = initializeParams(this.options.clientInfo);
      const answer = await this.request('initialize', params, { timeoutMs, maxMs: timeoutMs });
      if (!answer.ok) throw new AppError('CONNECTION_FAILED', { text: 'The server refused initialize' });
      this.initialized = readInitializeResult(answer.octets);
      this.transport.setProtocolVersion?.(this.initialized.protocolVersion);
      this.notify('notifications/initialized');
      return this.initialized;
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  get inFlight(): number {
    return this.pending.size;
  }

  /** What it says is not read at the moment: clients do not take its large answers, or it talks too much. */
  get isHeldBack(): boolean {
    return this.undelivered.isHeldBack || this.talk.isHeldBack;
  }

  get isClosed(): boolean {
    return this.closed;
  }

  /** A session's request goes out here. */
  useBy(session: Session): void {
    if (this.users === 'none') this.users = session;
    else if (this.users !== session) this.users = 'several';
  }

  /** The only session that ever used it, while it lasts. */
  get onlyUser(): Session | undefined {
    return typeof this.users === 'string' || this.users.closed ? undefined : this.users;
  }

  /** The id that the next request will have: also its progress token. */
  get upcomingId(): number {
    return this.nextId;
  }

  /**
   * Sends a request.
   * @returns its answer, a JSON-RPC error of the upstream included
   * @throws AppError TIMEOUT, CONNECTION_LOST, RESULT_TOO_LARGE, UPSTREAM_UNAVAILABLE
   */
  request(method: string, params: Octets | undefined, options: RequestOptions): Promise<Answer> {
    if (this.closed) return Promise.reject(new AppError('UPSTREAM_UNAVAILABLE'));
    const stopped = this.options.stopped?.();
    if (stopped !== undefined) return Promise.reject(stopped);
    if (this.transport.congested) {
      return Promise.reject(
        new AppError('UPSTREAM_UNAVAILABLE', {
          text: 'The server does not take in what it is sent',
          data: { retryAfterMs: 1000 },
        }),
      );
    }
    const id = this.nextId++;
    const now = this.options.timer.now();
    const latest = now + options.maxMs;
    return new Promise<Answer>((resolve, reject) => {
      this.pending.set(id, {
        resolve,
        reject,
        options,
        deadline: Math.min(now + options.timeoutMs, latest),
        latest,
        questions: 0,
      });
      if (options.call !== undefined) {
        options.call.running = { peer: this, id };
        options.call.left = true;
      }
      const text =
        params === undefined
          ? `{"jsonrpc":"2.0","id":${id},"method":"${method}"}`
          : `{"jsonrpc":"2.0","id":${id},"method":"${method}","params":${params}}`;
      try {
        this.transport.send(text as Octets, id);
      } catch (error) {
        if (options.call !== undefined) options.call.left = false;
        this.fail(id, toAppError(error));
      }
    });
  }

  notify(method: string, params?: Octets): void {
    this.post(`{"jsonrpc":"2.0","method":"${method}"${params === undefined ? '' : `,"params":${params}`}}` as Octets);
  }

  /** Answers a request of the upstream. `member` is the octets `"result":…` or `"error":…`. */
  respond(id: Octets, member: Octets): void {
    this.post(`{"jsonrpc":"2.0","id":${id},${member}}` as Octets);
  }

  /** Tells the upstream to stop a request and forgets it; it rejects with `error`. */
  cancel(id: number, error: AppError, reason?: Octets): void {
    if (!this.pending.has(id)) return;
    const isStop = error.kind === 'EMERGENCY_STOP';
    if (isStop) this.unfinished.add(id);
    const params = `{"requestId":${id}${reason === undefined ? '' : `,"reason":${reason}`}}`;
    this.post(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":${params}}` as Octets, isStop);
    this.transport.abandon?.(id);
    const { call } = this.pending.get(id)!.options;
    if (call !== undefined) this.givenUp.set(id, { call, until: this.options.timer.now() + GIVEN_UP_MS });
    this.fail(id, error);
  }

  /** Gives up what may be made elsewhere: it rejects with CONNECTION_LOST. */
  giveUpMovable(): void {
    for (const [id, { options }] of [...this.pending]) {
      if (options.movable === true) this.cancel(id, new AppError('CONNECTION_LOST'));
    }
  }

  /** The assertion that goes with a request. */
  assertionOf(id: number | undefined): string | undefined {
    return id === undefined ? undefined : this.pending.get(id)?.options.assertion;
  }

  /** The client's call that a request of ours is made for. */
  callOf(id: number | undefined): Call | undefined {
    return id === undefined ? undefined : this.pending.get(id)?.options.call;
  }

  /** The calls in flight here, for messages that do not say which they belong to. */
  calls(): Call[] {
    const calls: Call[] = [];
    for (const { options } of this.pending.values()) if (options.call !== undefined) calls.push(options.call);
    return calls;
  }

  /** Calls that were given up, and that the server may still be working on. */
  callsGivenUp(): Call[] {
    return [...this.givenUp.values()].map(({ call }) => call);
  }

  /** The call waits for an answer of its client: its time-out does not run meanwhile, the hard maximum does. */
  hold(call: Call): () => void {
    const entry = call.running === undefined ? undefined : this.pending.get(call.running.id);
    if (entry === undefined) return () => {};
    entry.questions++;
    return () => {
      entry.questions--;
      this.extend(entry);
    };
  }

  /** Whether the server may still be running a call that an emergency stop cancelled. */
  get isUnfinished(): boolean {
    return this.unfinished.size > 0;
  }

  /** Whether something that was sent has not left this process yet. */
  get isBacklogged(): boolean {
    return (this.transport.unsentBytes ?? 0) > 0;
  }

  async close(): Promise<void> {
    this.lost(undefined);
    await this.transport.close();
  }

  /** Ends it without grace, with everything it started. */
  async kill(): Promise<void> {
    this.transport.kill?.();
    await this.close();
  }

  /** @param isLast the word that stops: it leaves although the server is stopped already */
  private post(message: Octets, isLast = false): void {
    if (this.closed || (!isLast && this.options.stopped?.() !== undefined)) return;
    try {
      this.transport.send(message);
    } catch {
      // It is being lost; the requests in flight are told by onClose.
    }
  }

  private receive(text: Octets, carrier: number | undefined): void {
    this.received++;
    const since = performance.now();
    if (this.read(text, carrier)) return;
    const now = performance.now();
    this.talk.took(now - since, text.length, now);
  }

  /** @returns whether it was an answer that was waited for */
  private read(text: Octets, carrier: number | undefined): boolean {
    // What servers print beside messages costs no exception.
    if (text.charCodeAt(0) !== OPENING_BRACE && !text.trimStart().startsWith('{')) {
      this.skipped('The line is no JSON object');
      return false;
    }
    let message: Message;
    try {
      message = readUpstreamMessage(text);
    } catch (error) {
      this.skipped(toAppError(error).message);
      // On the request's own stream nothing else will come; on a pipe the right answer still may.
      if (carrier !== undefined && answeredId(text) === carrier) this.fail(carrier, new AppError('UPSTREAM_INVALID'));
      return false;
    }
    if (message.kind === 'result' || message.kind === 'error') return this.settle(message);
    if (message.kind === 'request') this.asked(message, carrier);
    else this.told(message, carrier);
    return false;
  }

  private skipped(why: string): void {
    const count = ++this.badMessages;
    if (count <= NAMED_BAD_MESSAGES || /^10+$/.test(String(count))) this.options.onBadMessage(count, why);
  }

  private settle(message: Message): boolean {
    const id = Number(message.id);
    this.unfinished.delete(id);
    const entry = this.pending.get(id);
    if (entry === undefined) this.givenUp.delete(id);
    if (entry === undefined || message.value === undefined) return false;
    this.forget(id, entry);
    const { call } = entry.options;
    if (message.text.length >= LARGE_BYTES && call !== undefined) {
      call.holding = this.undelivered.hold(message.text.length);
    }
    entry.resolve({ ok: message.kind === 'result', octets: octetsOf(message.text, message.value) });
    return true;
  }

  private asked(message: Message, carrier: number | undefined): void {
    if (message.method === 'ping') this.respond(message.id!, '"result":{}' as Octets);
    else if (this.isLate(carrier)) this.respond(message.id!, `"error":${stringifyOctets(OVER.toJsonRpc())}` as Octets);
    else this.options.events.onRequest(this, message, this.callOf(carrier));
  }

  /** Whether a message came on the stream of a request that no client waits for: then it is nobody's. */
  private isLate(carrier: number | undefined): boolean {
    return carrier !== undefined && this.callOf(carrier) === undefined;
  }

  private told(message: Message, carrier: number | undefined): void {
    if (message.method !== 'notifications/progress') {
      if (OF_NO_CALL.test(message.method) || !this.isLate(carrier))
        this.options.events.onNotification(this, message, this.callOf(carrier));
      return;
    }
    const token = memberOf(message.params, 'progressToken');
    const entry = token === undefined ? undefined : this.pending.get(Number(octetsOf(message.text, token)));
    if (entry?.options.progress === undefined) return;
    this.extend(entry);
    entry.options.progress(message);
  }

  private extend(entry: Pending): void {
    entry.deadline = Math.min(this.options.timer.now() + entry.options.timeoutMs, entry.latest);
  }

  private expire(now: number): void {
    this.talk.tick(now);
    for (const [id, entry] of this.pending) {
      if (now < (entry.questions > 0 ? entry.latest : entry.deadline)) continue;
      this.cancel(id, new AppError('TIMEOUT'), '"timeout"' as Octets);
    }
    for (const [id, { until }] of this.givenUp) if (now >= until) this.givenUp.delete(id);
  }

  private fail(id: number, error: AppError): void {
    const entry = this.pending.get(id);
    if (entry === undefined) return;
    this.forget(id, entry);
    entry.reject(error);
  }

  private forget(id: number, { options: { call } }: Pending): void {
    this.pending.delete(id);
    if (call !== undefined) call.running = undefined;
  }

  private lost(error: Error | undefined): void {
    if (this.closed) return;
    this.closed = true;
    this.stopTimer();
    for (const id of [...this.pending.keys()]) this.fail(id, new AppError('CONNECTION_LOST', { cause: error }));
    this.options.events.onClose(this, error);
  }
}

const OPENING_BRACE = 0x7b;
/** Notifications that concern no single call, whatever stream they come on. */
const OF_NO_CALL = /^notifications\/(?:cancelled|.*\/list_changed|resources\/updated)$/;
const OVER = new AppError('METHOD_NOT_FOUND', { text: 'The call that this belongs to is over; nobody can be asked' });
