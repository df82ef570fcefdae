import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RawSession, textOf } from './lib/raw-client.ts';
import { fixture, tokenFor, Village } from './lib/village.ts';

const PAGE_SIZE = 250;
let village: Village;

beforeAll(async () => {
  const pages = (...args: string[]) => fixture('pages.ts', ...args);
  village = await Village.start({
    config: {
      mcpServers: {
        many: pages('--pages', '1000', '--per', '3'),
        empty: pages('--end', 'empty'),
        stuck: pages('--end', 'stuck'),
        cycle: pages('--end', 'cycle'),
        never: pages('--end', 'never'),
      },
      agents: { alice: { level: 'OPERATOR' }, dave: { level: 'READ_ONLY' } },
      permissions: [
        ...['many', 'empty', 'stuck', 'cycle', 'never'].map((id) => ({ match: `${id}/*`, level: 'OPERATOR' })),
        { match: 'many/t2999', level: 'READ_ONLY' },
      ],
      router: { pageSize: PAGE_SIZE },
    },
  });
});
afterAll(() => village.remove());

function open(path: string, agent: 'alice' | 'dave' = 'alice'): Promise<RawSession> {
  const token = tokenFor(agent, { governance_level: agent === 'dave' ? 'READ_ONLY' : 'OPERATOR' });
  return RawSession.open(village.url, token, { path });
}

describe('the pages of an upstream', () => {
  it('[P4] are read to the last of a thousand', async () => {
    const session = await open('/mcp/many');
    const all = Array.from({ length: 3000 }, (_, i) => `t${i}`);
    await expect.poll(() => session.names(), { timeout: 20_000 }).toEqual(all);
    const asked = JSON.parse(textOf(await session.call('t2999'))) as unknown[];
    expect(asked).toEqual([null, ...Array.from({ length: 999 }, (_, i) => `page ${i + 1}`)]);
  });

  it.each([
    ['empty', 2],
    ['stuck', 4],
    ['cycle', 4],
  ])('[P4] end where its cursor does not advance: %s', async (id, most) => {
    const session = await open(`/mcp/${id}`);
    await expect.poll(() => session.names()).toEqual(['t0', 't1', 't2', 't3', 't4', 't5']);
    const asked = JSON.parse(textOf(await session.call('t5'))) as unknown[];
    expect(asked.length).toBeLessThanOrEqual(3 + most);
    expect(village.stderr()).toContain('a list of the server is not whole');
  });

  it('[P4] [R6] end after a thousand when the cursor never does, and what came is served', async () => {
    const session = await open('/mcp/never');
    await expect.poll(() => session.names(), { timeout: 20_000 }).toEqual(['t0', 't1', 't2', 't3', 't4', 't5']);
    expect(JSON.parse(textOf(await session.call('t0')))).toHaveLength(1000);
  });
});

describe("the router's own pages", () => {
  it('[P4] hold so many each, and all of them everything once', async () => {
    const session = await open('/mcp');
    const sizes: number[] = [];
    const names: string[] = [];
    let cursor: unknown;
    do {
      const { result } = await session.request('tools/list', cursor === undefined ? {} : { cursor });
      const tools = result?.tools as { name: string }[];
      sizes.push(tools.length);
      names.push(...tools.map(({ name }) => name));
      cursor = result?.nextCursor;
    } while (cursor !== undefined);
    expect(sizes.slice(0, -1)).toEqual(Array(sizes.length - 1).fill(PAGE_SIZE));
    expect(new Set(names).size).toBe(names.length);
    expect(names.filter((name) => name.startsWith('many__'))).toHaveLength(3000);
  });

  it('[P4] [M2] are made of what the caller may use', async () => {
    const session = await open('/mcp/many', 'dave');
    const { result } = await session.request('tools/list');
    expect(result).toMatchObject({ tools: [{ name: 't2999' }] });
    expect(result).not.toHaveProperty('nextCursor');
  });

  it.each(['', 'x', Buffer.from('t9999').toString('base64url'), 'a'.repeat(1001)])(
    '[P4] [S3] are not asked for by a cursor that is none: %s',
    async (cursor) => {
      const session = await open('/mcp/many');
      const { error } = await session.request('tools/list', { cursor });
      expect(error).toMatchObject({ code: -32602, data: { reason: 'INVALID_MESSAGE_FORMAT' } });
    },
  );

  it("[P4] [M2] do not tell by a cursor that another caller's name is there", async () => {
    const session = await open('/mcp/many', 'dave');
    const hidden = await session.request('tools/list', { cursor: Buffer.from('t5').toString('base64url') });
    const unknown = await session.request('tools/list', { cursor: Buffer.from('nothing').toString('base64url') });
    expect(hidden.error).toEqual(unknown.error);
  });
});
