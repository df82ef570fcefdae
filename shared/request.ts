/**
 * One request to a server of ours, whatever its method: params parsed, caller verified, target authorised, errors made safe,
 * outcome logged. Knows nothing of tools, resources or prompts.
 */
import { randomUUID } from 'node:crypto';
import type { Server } from '@modelcontextprotocol/sdk/server/index.js';
import type { RequestHandlerExtra } from '@modelcontextprotocol/sdk/shared/protocol.js';
import {
  CreateMessageResultSchema,
  ErrorCode,
  ListRootsResultSchema,
  type LoggingLevel,
  McpError,
  type Result,
  type ServerNotification,
  type ServerRequest,
} from '@modelcontextprotocol/sdk/types.js';
import { z } from 'zod';
import { AppError, toAppError } from './errors.ts';
import type { Caller } from './identity/caller.ts';
import { ASSERTION_META_KEY, type CallerOf } from './identity/proof.ts';
import type { Log } from './log.ts';
import type { RequestFigures } from './serve/figures.ts';

/** What a call is about, as the permission matrix names it. */
export type Target =
  | { readonly kind: 'tool'; readonly name: string }
  | { readonly kind: 'resource'; readonly uri: string }
  | { readonly kind: 'prompt'; readonly name: string };

/** The checks that every session of one transport shares. */
export interface Gate {
  readonly callerOf: CallerOf;
  /** @throws AppError UNKNOWN_NAME when the matrix denies it */
  authorize(caller: Caller, target: Target): void;
  /** False behind the router, which filters lists itself and asks for them under no caller's name. */
  readonly listsAreFiltered: boolean;
  readonly log: Log;
  /** Counts requests, where somebody may ask for the figures. */
  readonly figures?: RequestFigures;
}

/** One client connection to a server of ours. */
export interface Session {
  readonly server: Server;
  readonly gate: Gate;
  /** Runs when the session ends. */
  onEnd(end: () => void): void;
  /** The least severe level that the client wants to read (logging/setLevel). */
  logLevel: LoggingLevel;
}

/** What a handler gets beside its arguments. */
export interface CallContext {
  readonly caller: Caller;
  /** Aborted when the caller cancels, or goes. */
  readonly signal: AbortSignal;
  /** The same in every process that this call passes. */
  readonly correlationId: string;
  /** For us; carries the correlation id. */
  readonly log: Log;
  /** Tells how far the call is; nothing happens when the caller did not ask for progress. `done` must grow. */
  progress(done: number, total?: number, message?: string): void;
  /** A log line for the client, on this call's own stream, if its level asks for it. */
  tell(level: LoggingLevel, text: string): void;
  /** The folders that the client has opened, as URIs (MCP roots); undefined when it tells none. */
  roots(): Promise<readonly string[] | undefined>;
  /**
   * Has the caller's client ask its language model (MCP sampling); a person may look at it first.
   * @returns undefined when the client offers no sampling. @throws AppError CONFLICT when it was declined, CONNECTION_LOST
   */
  sample(request: SampleRequest): Promise<Sampled | undefined>;
}

/** What a language model is asked. */
export interface SampleRequest {
  readonly messages: readonly { readonly role: 'user' | 'assistant'; readonly content: string }[];
  readonly systemPrompt: string | undefined;
  readonly maxTokens: number;
  readonly temperature: number | undefined;
}

/** What it answered. */
export interface Sampled {
  readonly text: string;
  /** As whoever ran it calls it. */
  readonly model: string;
  readonly stopReason: string | undefined;
}

/** A request that was parsed, before it is known who sent it. */
export interface RequestScope {
  readonly correlationId: string;
  /** The verified caller. @throws AppError UNAUTHENTICATED */
  caller(): Promise<Caller>;
  /** The verified caller, allowed to use `target`. @throws AppError UNAUTHENTICATED, UNKNOWN_NAME */
  admit(target: Target): Promise<CallContext>;
}

export const CORRELATION_META_KEY = 'io.aivillage/correlation-id';

const metaSchema = z
  .looseObject({
    [ASSERTION_META_KEY]: z.string().max(16_384).optional(),
    [CORRELATION_META_KEY]: z
      .string()
      .regex(/^[\w.-]{1,64}$/)
      .optional()
      .catch(undefined),
    progressToken: z.union([z.string().max(65_536), z.number()]).optional(),
  })
  .optional();
const envelopeSchema = z.looseObject({ _meta: metaSchema }).optional();

/** A client may have to ask its user. */
const ROOTS_OPTIONS = { timeout: 20_000 };

const SEVERITY: readonly LoggingLevel[] = [
  'debug',
  'info',
  'notice',
  'warning',
  'error',
  'critical',
  'alert',
  'emergency',
];

/**
 * Installs the handler of one method on a session.
 * @param params shape of the method's params; what does not fit is answered INVALID_PARAMS
 */
export function onRequest<P extends z.ZodType>(
  session: Session,
  method: string,
  params: P,
  handle: (params: z.output<P>, scope: RequestScope) => Promise<Result>,
): void {
  // The SDK would answer params that do not fit with -32603 and zod's own words: so it sees only the method.
  const request = z.looseObject({ method: z.literal(method), params: z.unknown().optional() });
  session.server.setRequestHandler(request, async (message, extra) => {
    let correlationId: string = randomUUID();
    const started = performance.now();
    let isError = false;
    try {
      const meta = parseParams(envelopeSchema, message.params)?._meta;
      correlationId = meta?.[CORRELATION_META_KEY] ?? correlationId;
      return await handle(parseParams(params, message.params ?? {}), scopeOf(session, extra, meta, correlationId));
    } catch (thrown) {
      isError = true;
      throw publicError(thrown, session.gate.log, { method, correlationId });
    } finally {
      session.gate.figures?.done(method, isError, performance.now() - started);
    }
  });
}

/** Denied and unknown: one answer (M2). */
export function unknownTarget(target: Target): AppError {
  const name = target.kind === 'resource' ? target.uri : target.name;
  return new AppError('UNKNOWN_NAME', { text: `Unknown ${target.kind}: ${name}` });
}

/** The names that a caller may see; all of them behind the router. */
export async function visible<T>(
  session: Session,
  scope: RequestScope,
  all: readonly T[],
  targetOf: (item: T) => Target,
): Promise<readonly T[]> {
  if (!session.gate.listsAreFiltered) return all;
  const caller = await scope.caller();
  return all.filter((item) => isAllowed(session.gate, caller, targetOf(item)));
}

/** One line for a model or a person: where it does not fit and what was expected there. Holds no values. */
export function describeMisfit(error: z.ZodError): string {
  const shown = error.issues
    .slice(0, 8)
    .map(({ path, message }) => `${path.map(String).join('.') || '(all)'}: ${message}`);
  const more = error.issues.length - shown.length;
  return shown.join('; ') + (more > 0 ? `; and ${more} more` : '');
}

function parseParams<S extends z.ZodType>(schema: S, value: unknown): z.output<S> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new AppError('INVALID_PARAMS', { text: `The params do not fit. ${describeMisfit(parsed.error)}` });
}

function isAllowed(gate: Gate, caller: Caller, target: Target): boolean {
  try {
    gate.authorize(caller, target);
    return true;
  } catch (thrown) {
    if (thrown instanceof AppError && thrown.kind === 'UNKNOWN_NAME') return false;
    throw thrown;
  }
}

function scopeOf(
  session: Session,
  extra: RequestHandlerExtra<ServerRequest, ServerNotification>,
  meta: z.output<typeof metaSchema>,
  correlationId: string,
): RequestScope {
  const { gate } = session;
  const caller = () => gate.callerOf({ assertion: meta?.[ASSERTION_META_KEY], bearer: extra.authInfo?.token });
  const log = withField(gate.log, correlationId);
  const send = (notification: ServerNotification): void => {
    extra.sendNotification(notification).catch((cause: unknown) => log.debug({ cause }, 'a notification was not sent'));
  };
  return {
    correlationId,
    caller,
    async admit(target) {
      const verified = await caller();
      if (!isAllowed(gate, verified, target)) throw unknownTarget(target);
      return {
        caller: verified,
        signal: extra.signal,
        correlationId,
        log,
        progress(done, total, message) {
          const progressToken = meta?.progressToken;
          if (progressToken === undefined) return;
          const params = {
            progressToken,
            progress: done,
            ...(total !== undefined && { total }),
            ...(message !== undefined && { message }),
          };
          send({ method: 'notifications/progress', params });
        },
        tell(level, text) {
          if (SEVERITY.indexOf(level) < SEVERITY.indexOf(session.logLevel)) return;
          send({ method: 'notifications/message', params: { level, data: text } });
        },
        sample: (request) => sample(session, extra, request),
        async roots() {
          if (session.server.getClientCapabilities()?.roots === undefined) return undefined;
          try {
            const { roots } = await extra.sendRequest({ method: 'roots/list' }, ListRootsResultSchema, ROOTS_OPTIONS);
            return roots.map(({ uri }) => uri);
          } catch (cause) {
            log.debug({ cause }, 'the client did not tell its roots');
            return undefined;
          }
        },
      };
    },
  };
}

/** As long as a person may need to look at it. */
const SAMPLE_TIMEOUT_MS = 300_000;
const METHOD_NOT_FOUND = -32601;

async function sample(
  session: Session,
  extra: RequestHandlerExtra<ServerRequest, ServerNotification>,
  { messages, systemPrompt, maxTokens, temperature }: SampleRequest,
): Promise<Sampled | undefined> {
  if (session.server.getClientCapabilities()?.sampling === undefined) return undefined;
  const params = {
    messages: messages.map(({ role, content }) => ({ role, content: { type: 'text' as const, text: content } })),
    maxTokens,
    ...(systemPrompt !== undefined && { systemPrompt }),
    ...(temperature !== undefined && { temperature }),
  };
  try {
    const { content, model, stopReason } = await extra.sendRequest(
      { method: 'sampling/createMessage', params },
      CreateMessageResultSchema,
      { timeout: SAMPLE_TIMEOUT_MS },
    );
    return { text: content.type === 'text' ? content.text : '', model, stopReason };
  } catch (cause) {
    // A router offers sampling for all its clients, and says so of each one that does not.
    if (cause instanceof McpError && cause.code === METHOD_NOT_FOUND) return undefined;
    if (cause instanceof McpError && cause.code === ErrorCode.ConnectionClosed)
      throw new AppError('CONNECTION_LOST', { cause });
    throw new AppError('CONFLICT', {
      text: 'The client did not have its model answer: it was declined, or took too long',
      data: { status: 'sampling_declined' },
      cause,
    });
  }
}

function withField(log: Log, correlationId: string): Log {
  return {
    debug: (fields, message) => log.debug({ correlationId, ...fields }, message),
    info: (fields, message) => log.info({ correlationId, ...fields }, message),
    warn: (fields, message) => log.warn({ correlationId, ...fields }, message),
    error: (fields, message) => log.error({ correlationId, ...fields }, message),
  };
}

/** The SDK sends a thrown object's integer `code`, its `message` and `data`, and nothing else. */
class RpcError extends Error {
  override readonly name = 'RpcError';
  readonly code: number;
  readonly data: Readonly<Record<string, unknown>>;
  constructor(code: number, message: string, data: Readonly<Record<string, unknown>>) {
    super(message);
    this.code = code;
    this.data = data;
  }
}

function publicError(thrown: unknown, log: Log, where: { method: string; correlationId: string }): RpcError {
  const error = toAppError(thrown);
  const { code, message, data } = error.toJsonRpc();
  if (error.kind !== 'INTERNAL') {
    log.info({ ...where, kind: error.kind, cause: error.cause }, 'refused');
    return new RpcError(code, message, data);
  }
  log.error({ ...where, cause: error.cause }, 'failed');
  return new RpcError(code, message, { ...data, correlationId: where.correlationId });
}
