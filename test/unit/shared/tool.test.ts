import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { InMemoryTransport } from '@modelcontextprotocol/sdk/inMemory.js';
import { LoggingMessageNotificationSchema } from '@modelcontextprotocol/sdk/types.js';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { AppError } from '../../../shared/errors.ts';
import type { Log } from '../../../shared/log.ts';
import { definePrompt } from '../../../shared/prompt.ts';
import type { CallContext, Gate } from '../../../shared/request.ts';
import { defineTool, type Tool } from '../../../shared/tool.ts';
import { openSession } from '../../../shared/village-server.ts';
import { testIdentity } from '../../fixtures/lib/identity.ts';

const SECRET = 'postgres://user:hunter2@db.internal/prod';

/** A tool that does what the test says. */
function tool(handler: (args: { n: number }, context: CallContext) => Promise<{ n: number }>, name = 'probe'): Tool {
  return defineTool({
    name,
    title: 'Probe',
    description: 'Does what the test says.',
    input: z.strictObject({ n: z.int().min(0).max(9) }),
    output: z.object({ n: z.int().min(0).max(9) }),
    annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false },
    handler,
  });
}

const greet = definePrompt({
  name: 'greet',
  title: 'Greet',
  description: 'Greets.',
  arguments: z.strictObject({
    name: z.string().max(9).describe('Whom'),
    tone: z.enum(['warm', 'cool']).optional().describe('How'),
  }),
  completions: { tone: (typed) => ['warm', 'cool'].filter((tone) => tone.startsWith(typed)) },
  messages: async ({ name }) => [{ role: 'user', content: { type: 'text', text: `Greet ${name}` } }],
});

async function connect(tools: Tool[], authorize: Gate['authorize'] = () => {}) {
  const logged: { level: string; fields: Readonly<Record<string, unknown>> }[] = [];
  const write = (level: string) => (fields: Readonly<Record<string, unknown>>) => void logged.push({ level, fields });
  const log: Log = { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') };
  const server = openSession(
    {
      id: 'test',
      title: 'Test',
      version: '1.0.0',
      instructions: 'For tests.',
      tools,
      resources: [],
      prompts: [greet],
      async close() {},
    },
    { callerOf: async () => testIdentity.local(), authorize, listsAreFiltered: true, log },
  );
  const [near, far] = InMemoryTransport.createLinkedPair();
  await server.connect(far);
  const client = new Client({ name: 'test', version: '1.0.0' });
  await client.connect(near);
  return { client, logged };
}

const call = (client: Client, args: Record<string, unknown> = { n: 1 }) =>
  client.callTool({ name: 'probe', arguments: args });

describe('a tool', () => {
  it('[P11] answers with structured content and its text twin', async () => {
    const { client } = await connect([tool(async ({ n }) => ({ n: n + 1 }))]);
    expect(await call(client)).toEqual({ structuredContent: { n: 2 }, content: [{ type: 'text', text: '{"n":2}' }] });
  });

  it('[S8] tells a model the public text of an AppError, and nothing of its cause', async () => {
    const cause = new Error(SECRET);
    const { client, logged } = await connect([
      tool(async () => {
        throw new AppError('TIMEOUT', { text: 'The disk did not answer; try again', data: { retryAfterMs: 5 }, cause });
      }),
    ]);
    expect(await call(client)).toEqual({
      isError: true,
      content: [{ type: 'text', text: 'The disk did not answer; try again' }],
      _meta: { 'io.aivillage/error': { reason: 'TIMEOUT', retryAfterMs: 5 } },
    });
    expect(logged).toContainEqual({ level: 'info', fields: expect.objectContaining({ kind: 'TIMEOUT', cause }) });
  });

  it.each([
    ['an Error', new Error(SECRET)],
    ['an object with a code and data', { code: -32001, message: SECRET, data: SECRET }],
    ['a string', SECRET],
  ])('[S8] turns %s into an internal error with a correlation id, whose cause is in the log', async (_, cause) => {
    const { client, logged } = await connect([
      tool(async () => {
        throw cause;
      }),
    ]);
    const error: unknown = await call(client).catch((thrown: unknown) => thrown);
    const correlationId = expect.stringMatching(/^[\da-f-]{36}$/);
    expect(error).toMatchObject({ code: -32603, data: { reason: 'CONNECTION_FAILED', correlationId } });
    expect(`${String(error)}${JSON.stringify(error)}`).not.toContain('hunter2');
    const { correlationId: told } = (error as { data: { correlationId: string } }).data;
    expect(logged).toContainEqual({ level: 'error', fields: { method: 'tools/call', correlationId: told, cause } });
  });

  it('[P11] holds a result that breaks its own output schema back', async () => {
    const { client } = await connect([tool(async () => ({ n: 99 }))]);
    await expect(call(client)).rejects.toMatchObject({ code: -32603 });
  });

  it.each([
    [{}, 'n: '],
    [{ n: 10 }, 'n: '],
    [{ n: 'x' }, 'n: '],
    [{ n: 1, m: 2 }, '"m"'],
  ])('[P11] says what does not fit in the arguments %j, without running', async (args, hint) => {
    let ran = false;
    const { client } = await connect([
      tool(async ({ n }) => {
        ran = true;
        return { n };
      }),
    ]);
    const result = await call(client, args);
    expect(result).toMatchObject({ isError: true, content: [{ text: expect.stringContaining(hint) }] });
    expect(ran).toBe(false);
  });

  it('[M2] that the matrix denies is not listed, not run, and looks unknown', async () => {
    let ran = false;
    const probe = tool(async ({ n }) => {
      ran = true;
      return { n };
    });
    const deny: Gate['authorize'] = (_, target) => {
      if (target.kind === 'tool' && target.name === 'probe') throw new AppError('UNKNOWN_NAME', { text: SECRET });
    };
    const { client } = await connect([probe, tool(async (args) => args, 'other')], deny);
    expect((await client.listTools()).tools.map(({ name }) => name)).toEqual(['other']);
    await expect(call(client)).rejects.toMatchObject({
      code: -32602,
      message: 'MCP error -32602: Unknown tool: probe',
    });
    expect(ran).toBe(false);
  });

  it('[P3] reports progress to who asked for it, and log lines from the level that was set', async () => {
    const { client } = await connect([
      tool(async (args, { progress, tell }) => {
        progress(1, 2, 'half');
        tell('debug', 'fine');
        tell('warning', 'hot');
        return args;
      }),
    ]);
    const lines: unknown[] = [];
    client.setNotificationHandler(LoggingMessageNotificationSchema, ({ params }) => void lines.push(params.data));
    await client.setLoggingLevel('warning');
    const seen: unknown[] = [];
    await client.callTool({ name: 'probe', arguments: { n: 1 } }, undefined, { onprogress: (p) => seen.push(p) });
    expect(seen).toEqual([{ progress: 1, total: 2, message: 'half' }]);
    expect(lines).toEqual(['hot']);
  });

  it('[P3] hears of the cancellation of its call', async () => {
    const { promise: cancelled, resolve } = Promise.withResolvers<boolean>();
    const { promise: started, resolve: start } = Promise.withResolvers<void>();
    const { client } = await connect([
      tool(async (args, { signal }) => {
        start();
        await new Promise<void>((done) => signal.addEventListener('abort', () => done()));
        resolve(signal.aborted);
        return args;
      }),
    ]);
    const gone = new AbortController();
    const pending = client.callTool({ name: 'probe', arguments: { n: 1 } }, undefined, { signal: gone.signal });
    await started;
    gone.abort();
    await expect(pending).rejects.toThrow();
    expect(await cancelled).toBe(true);
  });

  it('[X5] keeps the correlation id that the router sent, and no id of another form', async () => {
    const ids: string[] = [];
    const { client } = await connect([
      tool(async (args, { correlationId }) => {
        ids.push(correlationId);
        return args;
      }),
    ]);
    for (const id of ['abc-123', 'a\nb', 'x'.repeat(65)]) {
      const _meta = { 'io.aivillage/correlation-id': id };
      await client.callTool({ name: 'probe', arguments: { n: 1 }, _meta });
    }
    expect(ids).toEqual(['abc-123', expect.stringMatching(/^[\da-f-]{36}$/), expect.stringMatching(/^[\da-f-]{36}$/)]);
  });

  it('[P11] makes its JSON schemas once', () => {
    const probe = tool(async (args) => args);
    expect(probe.definition()).toBe(probe.definition());
  });

  it('[P11] may not share its name with another one of the server', async () => {
    await expect(connect([tool(async (a) => a), tool(async (a) => a)])).rejects.toThrow('same name');
  });
});

describe('a prompt', () => {
  it('[P11] lists its arguments, checks them, and completes them', async () => {
    const { client } = await connect([]);
    expect((await client.listPrompts()).prompts[0]?.arguments).toEqual([
      { name: 'name', description: 'Whom', required: true },
      { name: 'tone', description: 'How', required: false },
    ]);
    expect((await client.getPrompt({ name: 'greet', arguments: { name: 'Ann' } })).messages).toHaveLength(1);
    await expect(client.getPrompt({ name: 'greet', arguments: { tone: 'x' } })).rejects.toMatchObject({ code: -32602 });
    const ref = { type: 'ref/prompt', name: 'greet' } as const;
    const { completion } = await client.complete({ ref, argument: { name: 'tone', value: 'w' } });
    expect(completion).toEqual({ values: ['warm'], total: 1, hasMore: false });
    const none = await client.complete({ ref, argument: { name: '__proto__', value: '' } });
    expect(none.completion.values).toEqual([]);
  });
});
