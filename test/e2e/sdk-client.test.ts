import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { Client } from '@modelcontextprotocol/sdk/client/index.js';
import {
  LoggingMessageNotificationSchema,
  type Notification,
  type ProgressNotification,
  ProgressNotificationSchema,
  ResourceUpdatedNotificationSchema,
  ToolListChangedNotificationSchema,
} from '@modelcontextprotocol/sdk/types.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ANSWERS, connect, type Door } from './lib/sdk-client.ts';
import { fixture, tokenFor, Village } from './lib/village.ts';

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'sdk-client-'));
const ledger = path.join(folder, 'ledger');
let village: Village;

beforeAll(async () => {
  village = await Village.start({
    config: {
      mcpServers: {
        up: fixture('tools.ts', '--ledger', ledger),
        ask: fixture('ask.ts'),
        mutate: fixture('mutate.ts'),
      },
      agents: { alice: { level: 'OPERATOR' } },
      permissions: ['up/*', 'ask/*', 'mutate/*', 'prompt:*', 'resource:*'].map((match) => ({
        match,
        level: 'OPERATOR',
      })),
    },
  });
});
afterAll(async () => {
  await village.remove();
  fs.rmSync(folder, { recursive: true });
});

const WAYS: readonly [Door, string][] = [
  ['http', '2024-11-05'],
  ['http', '2025-03-26'],
  ['http', '2025-06-18'],
  ['http', '2025-11-25'],
  ['sse', '2024-11-05'],
  ['websocket', '2024-11-05'],
  ['websocket', '2025-11-25'],
  ['stdio', '2024-11-05'],
  ['stdio', '2025-03-26'],
  ['stdio', '2025-06-18'],
  ['stdio', '2025-11-25'],
];

describe.each(WAYS)("the SDK's client over %s at %s", (door, version) => {
  let client: Client;
  let negotiated: string;

  beforeAll(async () => {
    ({ client, version: negotiated } = await connect(village, tokenFor('alice'), door, version));
  });
  afterAll(() => client.close());

  /** The text of a tool's result, as JSON. */
  async function ask(name: string, args: Record<string, unknown>): Promise<unknown> {
    const { content } = await client.callTool({ name, arguments: args });
    return JSON.parse((content as { text: string }[])[0]!.text);
  }

  it('[P2] gets the version that it asks for', () => {
    expect(negotiated).toBe(version);
    expect(client.getServerVersion()?.name).toBe('aivillage');
  });

  it('[P3] lists tools, prompts, resources and templates, and is answered to ping', async () => {
    // The first list of a router that just started may come before a slow server's.
    await expect
      .poll(async () => (await client.listTools()).tools.map(({ name }) => name))
      .toEqual(expect.arrayContaining(['up__echo', 'ask__sample', 'mutate__target']));
    expect((await client.listPrompts()).prompts.map(({ name }) => name)).toContain('up__greet');
    expect((await client.listResources()).resources.map(({ uri }) => uri)).toContain('note://alice');
    const { resourceTemplates } = await client.listResourceTemplates();
    expect(resourceTemplates.map(({ uriTemplate }) => uriTemplate)).toEqual([
      'village://events/{after}',
      'village://calls/like/{text}',
      'village://calls/{call_id}',
    ]);
    expect(await client.ping()).toEqual({});
  });

  it('[P3] calls a tool, and is refused one that is not there', async () => {
    const { content } = await client.callTool({ name: 'up__echo', arguments: { text: 'Grüße 🙂' } });
    expect(content).toEqual([{ type: 'text', text: 'Grüße 🙂' }]);
    await expect(client.callTool({ name: 'up__nothing' })).rejects.toMatchObject({ code: -32602 });
  });

  it('[P3] hears the progress of its call, in order', async () => {
    const heard: Omit<ProgressNotification['params'], 'progressToken'>[] = [];
    // Its own handler loses what comes in one piece with the answer.
    client.setNotificationHandler(ProgressNotificationSchema, ({ params: { progressToken: _, ...rest } }) => {
      heard.push(rest);
    });
    const onprogress = (): void => {};
    await client.callTool({ name: 'up__progress', arguments: { n: 3, everyMs: 1 } }, undefined, { onprogress });
    await expect
      .poll(() => heard)
      .toEqual([1, 2, 3].map((step) => ({ progress: step, total: 3, message: `step ${step}` })));
  });

  it('[P3] cancels a call where it runs', async () => {
    const tag = `${door}-${version}`;
    const abort = new AbortController();
    const call = client.callTool({ name: 'up__sleep', arguments: { ms: 20_000, tag } }, undefined, {
      signal: abort.signal,
    });
    call.catch(() => {});
    // The call is under way when another one, sent after it, is answered.
    await client.callTool({ name: 'up__echo', arguments: { text: '' } });
    abort.abort();
    await expect(call).rejects.toThrow();
    await expect
      .poll(() => (fs.existsSync(ledger) ? fs.readFileSync(ledger, 'utf8').split('\n') : []))
      .toContain(`cancelled ${tag}`);
  });

  it('[P3] gets a prompt and completes its argument', async () => {
    const { messages } = await client.getPrompt({ name: 'up__greet', arguments: { name: 'Bob' } });
    expect(messages).toEqual([{ role: 'user', content: { type: 'text', text: 'Greet Bob' } }]);
    const ref = { type: 'ref/prompt' as const, name: 'up__greet' };
    const { completion } = await client.complete({ ref, argument: { name: 'name', value: 'a' } });
    expect(completion).toEqual({ values: ['alice'] });
  });

  it('[P3] reads a resource, and hears of it while it subscribes', async () => {
    const uri = 'note://alice';
    const { contents } = await client.readResource({ uri });
    expect(contents).toEqual([{ uri, mimeType: 'text/plain', text: 'the text of note://alice' }]);
    const heard: Notification[] = [];
    client.setNotificationHandler(ResourceUpdatedNotificationSchema, (notification) => void heard.push(notification));
    await client.subscribeResource({ uri });
    await client.callTool({ name: 'up__touch', arguments: { uri } });
    await expect.poll(() => heard).toMatchObject([{ params: { uri } }]);
    await client.unsubscribeResource({ uri });
    await client.callTool({ name: 'up__touch', arguments: { uri } });
    await client.ping();
    expect(heard).toHaveLength(1);
  });

  it('[P3] gets log messages from the level that it sets', async () => {
    const heard: unknown[] = [];
    client.setNotificationHandler(LoggingMessageNotificationSchema, ({ params }) => void heard.push(params));
    await client.setLoggingLevel('warning');
    for (const level of ['info', 'warning', 'error'])
      await client.callTool({ name: 'up__log', arguments: { level, data: `${level} line` } });
    await expect
      .poll(() => heard)
      .toEqual([
        { level: 'warning', data: 'warning line' },
        { level: 'error', data: 'error line' },
      ]);
  });

  it('[P3] is asked for sampling, elicitation and roots by the server that it calls', async () => {
    expect(await ask('ask__sample', { prompt: 'p' })).toEqual({ answer: ANSWERS.sampling });
    expect(await ask('ask__elicit', { message: 'm' })).toEqual({ answer: ANSWERS.elicitation });
    expect(await ask('ask__roots', {})).toEqual({ answer: ANSWERS.roots });
    expect(await ask('ask__ask_all', { text: 't' })).toEqual({
      answer: { all: [ANSWERS.sampling, ANSWERS.elicitation, ANSWERS.roots] },
    });
  });

  it('[P3] [P9] is told when a list changes', async () => {
    let told = 0;
    client.setNotificationHandler(ToolListChangedNotificationSchema, () => void told++);
    const names = async (): Promise<string[]> => (await client.listTools()).tools.map(({ name }) => name);
    await client.callTool({ name: 'mutate__mutate', arguments: { field: 'add', times: 1 } });
    await expect.poll(() => told).toBe(1);
    expect(await names()).toContain('mutate__newcomer');
    await client.callTool({ name: 'mutate__restore', arguments: { times: 1 } });
    await expect.poll(() => told).toBe(2);
    expect(await names()).not.toContain('mutate__newcomer');
  });
});

it.each(['2099-01-01', '', '2024-10-07'])('[P2] answers the unknown version "%s" with the newest', async (version) => {
  const { client, version: negotiated } = await connect(village, tokenFor('alice'), 'http', version);
  expect(negotiated).toBe('2025-11-25');
  await client.close();
});
