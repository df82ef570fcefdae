/**
 * Asks a language model: by MCP sampling when the caller's client offers it, else an OpenAI-compatible endpoint of the settings,
 * else nobody. Keeps no conversation.
 */
import { z } from 'zod';
import { AppError } from '../../../shared/errors.ts';
import type { Sampled, SampleRequest } from '../../../shared/request.ts';

/** Where an OpenAI-compatible server is. */
export interface ModelEndpoint {
  /** Up to and with `/v1`. */
  readonly url: string;
  readonly apiKey: string | undefined;
  /** What is asked when the caller names no model. */
  readonly model: string | undefined;
}

export interface ChatAnswer extends Sampled {
  readonly via: 'sampling' | 'endpoint';
}

const TIMEOUT_MS = 300_000;
const LIST_TIMEOUT_MS = 5_000;
const MOST_BYTES = 8 * 2 ** 20;

const completionSchema = z.looseObject({
  model: z.string().max(300).optional(),
  choices: z
    .array(
      z.looseObject({
        message: z.looseObject({ content: z.string().max(MOST_BYTES).nullable() }),
        finish_reason: z.string().max(100).nullish(),
      }),
    )
    .min(1),
});
const listSchema = z.looseObject({ data: z.array(z.looseObject({ id: z.string().min(1).max(300) })).max(100_000) });

/**
 * @param sample undefined when the caller's client offers no sampling
 * @throws AppError CONFLICT when there is nobody to ask; TIMEOUT, UPSTREAM_UNAVAILABLE, UPSTREAM_INVALID of the endpoint
 */
export async function chat(
  request: SampleRequest & { readonly model: string | undefined },
  sample: ((request: SampleRequest) => Promise<Sampled | undefined>) | undefined,
  endpoint: ModelEndpoint | undefined,
  signal: AbortSignal,
): Promise<ChatAnswer> {
  const sampled = await sample?.(request);
  if (sampled !== undefined) return { ...sampled, via: 'sampling' };
  if (endpoint === undefined) {
    throw new AppError('CONFLICT', {
      text: 'There is no model to ask: the client offers no sampling, and no endpoint is set. Use a client with sampling, or set FORGE_MODEL_URL.',
      data: { status: 'no_model' },
    });
  }
  return complete(request, endpoint, signal);
}

async function complete(
  request: SampleRequest & { readonly model: string | undefined },
  endpoint: ModelEndpoint,
  signal: AbortSignal,
): Promise<ChatAnswer> {
  const model = request.model ?? endpoint.model;
  if (model === undefined) {
    throw new AppError('INVALID_PARAMS', { text: 'model: name one of models_list, or set FORGE_MODEL_NAME' });
  }
  const system = request.systemPrompt === undefined ? [] : [{ role: 'system', content: request.systemPrompt }];
  const body = {
    model,
    messages: [...system, ...request.messages],
    max_tokens: request.maxTokens,
    ...(request.temperature !== undefined && { temperature: request.temperature }),
    stream: false,
  };
  const answer = await ask(endpoint, '/chat/completions', signal, TIMEOUT_MS, body);
  const parsed = completionSchema.safeParse(answer);
  const choice = parsed.data?.choices[0];
  if (choice === undefined)
    throw new AppError('UPSTREAM_INVALID', { text: 'The model endpoint sent no chat completion' });
  return {
    text: choice.message.content ?? '',
    model: parsed.data?.model ?? model,
    stopReason: choice.finish_reason ?? undefined,
    via: 'endpoint',
  };
}

/** Names of the models that the endpoint has. Throws as `chat`. */
export async function endpointModels(endpoint: ModelEndpoint, signal: AbortSignal): Promise<string[]> {
  const parsed = listSchema.safeParse(await ask(endpoint, '/models', signal, LIST_TIMEOUT_MS));
  if (parsed.success) return parsed.data.data.map(({ id }) => id);
  throw new AppError('UPSTREAM_INVALID', { text: 'The model endpoint sent no list of models' });
}

async function ask(
  { url, apiKey }: ModelEndpoint,
  path: string,
  signal: AbortSignal,
  timeoutMs: number,
  body?: object,
): Promise<unknown> {
  const late = AbortSignal.timeout(timeoutMs);
  let response: Response;
  let text: string;
  try {
    response = await fetch(`${url.replace(/\/+$/, '')}${path}`, {
      method: body === undefined ? 'GET' : 'POST',
      headers: {
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...(apiKey !== undefined && { authorization: `Bearer ${apiKey}` }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      // A key goes where the settings say, and nowhere else.
      redirect: 'error',
      signal: AbortSignal.any([signal, late]),
    });
    text = await boundedText(response);
  } catch (cause) {
    if (cause instanceof AppError) throw cause;
    if (late.aborted) throw new AppError('TIMEOUT', { text: 'The model endpoint did not answer in time', cause });
    throw new AppError('UPSTREAM_UNAVAILABLE', { text: 'The model endpoint cannot be reached', cause });
  }
  if (!response.ok) {
    throw new AppError('UPSTREAM_UNAVAILABLE', {
      text: `The model endpoint answered with ${response.status}; the log has its words`,
      cause: text.slice(0, 2_000),
    });
  }
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    throw new AppError('UPSTREAM_INVALID', { text: 'The model endpoint sent no JSON', cause });
  }
}

async function boundedText(response: Response): Promise<string> {
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of response.body ?? []) {
    bytes += piece.byteLength;
    if (bytes > MOST_BYTES)
      throw new AppError('RESULT_TOO_LARGE', { text: `The model endpoint sent more than ${MOST_BYTES} bytes` });
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString('utf8');
}
