/** B01: a session belongs to the agent that opened it; to all others it does not exist. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { EventClient } from './lib/event-client.ts';
import { POST_HEADERS, type RawAnswer, RawSession, send, textOf } from './lib/raw-client.ts';
import { fixture, tokenFor, Village } from './lib/village.ts';

let village: Village;
let alice: RawSession;
let bob: RawSession;
const UNKNOWN = 'A'.repeat(32);

beforeAll(async () => {
  village = await Village.start({
    config: {
      mcpServers: { up: fixture('tools.ts') },
      permissions: [{ match: 'up/*', level: 'OPERATOR' }],
      router: { rateLimit: { perMinute: 1_000_000 } },
    },
  });
  alice = await (await RawSession.open(village.url, tokenFor('alice'))).listed('up__echo');
  bob = await RawSession.open(village.url, tokenFor('bob'));
});
afterAll(() => village.remove());

/** What a client sees of an answer; the clock is nobody's. */
function seen({ status, headers, text }: RawAnswer): object {
  const { date: _, ...rest } = headers;
  return { status, headers: rest, text };
}

const call = JSON.stringify({
  jsonrpc: '2.0',
  id: 7,
  method: 'tools/call',
  params: { name: 'up__echo', arguments: { text: 'x' } },
});
const ATTEMPTS = {
  'a list': { method: 'POST', headers: POST_HEADERS, body: '{"jsonrpc":"2.0","id":7,"method":"tools/list"}' },
  'a call': { method: 'POST', headers: POST_HEADERS, body: call },
  'a notification': {
    method: 'POST',
    headers: POST_HEADERS,
    body: '{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}',
  },
  'an answer': { method: 'POST', headers: POST_HEADERS, body: '{"jsonrpc":"2.0","id":1,"result":{}}' },
  'a batch': { method: 'POST', headers: POST_HEADERS, body: `[${call}]` },
  'its stream': { method: 'GET', headers: { accept: 'text/event-stream' } },
  'its stream behind an event': { method: 'GET', headers: { accept: 'text/event-stream', 'last-event-id': '0.0' } },
  'its end': { method: 'DELETE', headers: {} },
};

it.each(Object.entries(ATTEMPTS))(
  '[A6] B01: %s of another agent is answered, byte for byte, like one that nobody has',
  async (_, attempt) => {
    const as = (id: string, path = '/mcp') =>
      send(village.url, {
        ...attempt,
        path,
        headers: { ...attempt.headers, authorization: `Bearer ${bob.token}`, 'mcp-session-id': id },
      });
    const foreign = await as(alice.id);
    expect(foreign.status).toBe(404);
    expect(seen(foreign)).toEqual(seen(await as(UNKNOWN)));
    expect(foreign.text).not.toContain(alice.id);
  },
);

it('[A6] B01: takes a session id from the header only', async () => {
  const { 'mcp-session-id': _, ...headers } = bob.headers;
  const inQuery = (id: string) =>
    send(village.url, { path: `/mcp?session_id=${id}&sessionId=${id}`, headers, body: call });
  expect(seen(await inQuery(alice.id))).toEqual(seen(await inQuery(UNKNOWN)));
  expect((await inQuery(alice.id)).status).toBe(400);
});

it('[A6] B01: asks for a token before it looks for the session', async () => {
  const { authorization: _, ...headers } = alice.headers;
  expect((await send(village.url, { headers, body: call })).status).toBe(401);
});

it('[A6] B01: does not find the session of one endpoint, or of one door, at another', async () => {
  const elsewhere = await alice.post(call, {});
  expect(elsewhere.status).toBe(200);
  const single = await send(village.url, { path: '/mcp/up', headers: alice.headers, body: call });
  expect(single.status).toBe(404);
  const messages = (id: string) =>
    send(village.url, { path: `/messages?sessionId=${id}`, headers: bob.headers, body: call });
  expect(seen(await messages(alice.id))).toEqual(seen(await messages(UNKNOWN)));
  expect((await messages(alice.id)).status).toBe(404);
});

it("[A6] [D1] B01: leaves the owner's session as it was, and puts each attempt on record", async () => {
  const stream = await EventClient.get(alice);
  expect(textOf(await alice.call('up__echo', { text: 'still mine' }))).toBe('still mine');
  // Its server came after it did; that is all it was told.
  expect(stream.messages.filter(({ method }) => method !== 'notifications/tools/list_changed')).toEqual([]);
  stream.cut();
  const records = (await village.audit()).filter(({ kind }) => kind === 'session_owner_mismatch');
  // One for each row of the table, and two at /messages.
  expect(records).toHaveLength(Object.keys(ATTEMPTS).length + 2);
  expect(records.every(({ agent, session }) => agent === 'bob' && session === alice.publicId)).toBe(true);
  expect((await village.audit()).filter(({ kind, agent }) => kind === 'call_started' && agent === 'bob')).toEqual([]);
});

it('[A6] B01: session ids have 192 random bits in visible ASCII, and no pattern', async () => {
  const ids: string[] = [];
  const token = tokenFor('carol');
  const open = async () => {
    const session = await RawSession.open(village.url, token);
    ids.push(session.id);
    await session.close();
  };
  for (let round = 0; round < 10; round++) await Promise.all(Array.from({ length: 20 }, open));
  expect(ids.every((id) => /^[A-Za-z0-9_-]{32}$/.test(id))).toBe(true);
  expect(new Set(ids).size).toBe(ids.length);
});
