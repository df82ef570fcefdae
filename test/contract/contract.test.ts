/** What every server of ours promises, whatever it does, over every transport (P1, P2, P11). */
import type { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SERVERS } from '../../servers/index.ts';
import { unbounded } from './bounds.ts';
import { connect, exchange, type Reached, reach, WAYS } from './ways.ts';

const VERSIONS = ['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25'];

describe.each([...SERVERS.keys()])('%s', (id) => {
  describe.each(WAYS)('over %s', (way) => {
    let reached: Reached;
    let client: Client;

    beforeAll(async () => {
      reached = await reach(id, way);
      client = await connect(reached);
    });
    afterAll(async () => {
      await client.close();
      await reached.close();
    });

    it('[P1] names itself and says what it is for', () => {
      expect(client.getServerVersion()).toMatchObject({ name: id });
      expect(client.getInstructions()?.length).toBeGreaterThan(40);
    });

    it('[P11] gives every tool a title, a description to choose by, both schemas and all four annotations', async () => {
      const { tools } = await client.listTools();
      expect(tools).not.toEqual([]);
      for (const tool of tools) {
        expect(tool.name).toMatch(/^[a-z][a-z0-9_]{0,63}$/);
        expect(tool.title?.length, tool.name).toBeGreaterThan(0);
        expect(tool.description?.length, tool.name).toBeGreaterThanOrEqual(40);
        expect(tool.annotations, tool.name).toEqual({
          title: tool.title,
          readOnlyHint: expect.any(Boolean),
          destructiveHint: expect.any(Boolean),
          idempotentHint: expect.any(Boolean),
          openWorldHint: expect.any(Boolean),
        });
        expect(unbounded(tool.inputSchema, `${tool.name} input`)).toEqual([]);
        expect(unbounded(tool.outputSchema, `${tool.name} output`)).toEqual([]);
      }
    });

    it('[P11] answers every read-only tool that needs no arguments by its own output schema', async () => {
      const { tools } = await client.listTools(); // the client checks results by the schemas listed here
      const callable = tools.filter((t) => t.annotations?.readOnlyHint && (t.inputSchema.required ?? []).length === 0);
      for (const { name } of callable) {
        const result = await client.callTool({ name, arguments: {} });
        expect(result.isError, name).not.toBe(true);
        expect(result.content).toEqual([{ type: 'text', text: JSON.stringify(result.structuredContent) }]);
      }
    });

    it('[P11] has resources, described, and reads each of them', async () => {
      const { resources } = await client.listResources();
      const { resourceTemplates } = await client.listResourceTemplates();
      expect(resources).not.toEqual([]);
      for (const { title, description, mimeType } of [...resources, ...resourceTemplates]) {
        expect(title?.length).toBeGreaterThan(0);
        expect(description?.length).toBeGreaterThanOrEqual(40);
        expect(mimeType).toMatch(/^\w+\/[\w.+-]+$/);
      }
      for (const { uri } of resources) {
        const { contents } = await client.readResource({ uri });
        expect(contents[0]).toMatchObject({ uri });
      }
    });

    it('[P11] has at least one prompt, described with its arguments', async () => {
      const { prompts } = await client.listPrompts();
      expect(prompts).not.toEqual([]);
      for (const prompt of prompts) {
        expect(prompt.title?.length).toBeGreaterThan(0);
        expect(prompt.description?.length).toBeGreaterThanOrEqual(40);
        for (const argument of prompt.arguments ?? []) expect(argument.description?.length).toBeGreaterThan(0);
      }
    });

    it('[M2] answers unknown names and denied ones alike', async () => {
      const denied = await connect(reached, 'dave');
      const [tool] = (await client.listTools()).tools;
      const [resource] = (await client.listResources()).resources;
      const [prompt] = (await client.listPrompts()).prompts;
      expect((await denied.listTools()).tools).toEqual([]);
      expect((await denied.listResources()).resources).toEqual([]);
      expect((await denied.listPrompts()).prompts).toEqual([]);
      const code = -32602;
      const data = { reason: 'UNAUTHORIZED_ACCESS' };
      const unknown = (what: string) => ({ code, data, message: `MCP error ${code}: Unknown ${what}` });
      await expect(client.callTool({ name: 'no_such' })).rejects.toMatchObject(unknown('tool: no_such'));
      await expect(denied.callTool({ name: tool!.name })).rejects.toMatchObject(unknown(`tool: ${tool!.name}`));
      await expect(client.readResource({ uri: 'no://such' })).rejects.toMatchObject(unknown('resource: no://such'));
      await expect(denied.readResource({ uri: resource!.uri })).rejects.toMatchObject(
        unknown(`resource: ${resource!.uri}`),
      );
      await expect(client.getPrompt({ name: 'no_such' })).rejects.toMatchObject(unknown('prompt: no_such'));
      await expect(denied.getPrompt({ name: prompt!.name })).rejects.toMatchObject(unknown(`prompt: ${prompt!.name}`));
      await denied.close();
    });

    it('[P11] tells a model which argument it does not know, as a result that it can read', async () => {
      for (const { name } of (await client.listTools()).tools) {
        const result = await client.callTool({ name, arguments: { no_such_argument: 1 } });
        expect(result).toMatchObject({
          isError: true,
          content: [{ type: 'text', text: expect.stringContaining('no_such_argument') }],
          _meta: { 'io.aivillage/error': { reason: 'INVALID_MESSAGE_FORMAT' } },
        });
      }
    });

    it.each(VERSIONS)('[P2] speaks %s when asked to', async (protocolVersion) => {
      const transport = await reached.transport();
      await transport.start();
      const clientInfo = { name: 'contract', version: '1.0.0' };
      const params = { protocolVersion, capabilities: {}, clientInfo };
      expect(await exchange(transport, { jsonrpc: '2.0', id: 'i', method: 'initialize', params })).toMatchObject({
        result: { protocolVersion },
      });
      transport.setProtocolVersion?.(protocolVersion);
      await transport.send({ jsonrpc: '2.0', method: 'notifications/initialized' });
      expect(await exchange(transport, { jsonrpc: '2.0', id: 7, method: 'tools/list' })).toMatchObject({
        id: 7,
        result: { tools: expect.any(Array) },
      });
      await transport.close();
    });
  });
});

describe('the bounds checker', () => {
  it('[P11] finds each kind of open size, and its place', () => {
    expect(
      unbounded({
        type: 'object',
        properties: {
          text: { type: 'string' },
          list: { type: 'array', items: { type: 'integer', minimum: 0, maximum: Number.MAX_SAFE_INTEGER } },
          one: { anyOf: [{ type: 'null' }, { type: 'number', minimum: 0 }] },
          open: { type: 'object' },
          any: {},
          fine: { type: 'string', maxLength: 3 },
          choice: { type: 'string', enum: ['a'] },
        },
        additionalProperties: false,
      }),
    ).toEqual([
      '$.text: string without maxLength',
      '$.list: array without maxItems',
      '$.list[]: number without maximum',
      '$.one.anyOf[1]: number without maximum',
      '$.open: object that takes unknown keys',
      '$.any: no type',
    ]);
  });
});
