/** B04: what a server asks during a call (sampling, elicitation, roots) goes to that call's client alone, and back. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Started, startHttpFixture } from '../fixtures/lib/start.ts';
import { EventClient } from './lib/event-client.ts';
import { type JsonRpc, RawSession } from './lib/raw-client.ts';
import { until } from './lib/until.ts';
import { fixture, tokenFor, Village } from './lib/village.ts';

const CAPABILITIES = { sampling: {}, elicitation: { form: {} }, roots: { listChanged: true } };
let village: Village;
let http: Started & { url: URL };
let lateHttp: Started & { url: URL };

beforeAll(async () => {
  http = await startHttpFixture('ask.ts');
  lateHttp = await startHttpFixture('late.ts');
  const ids = ['pipe', 'pair', 'web', 'own', 'latepipe', 'lateweb'];
  village = await Village.start({
    config: {
      mcpServers: {
        pipe: fixture('ask.ts'),
        pair: fixture('ask.ts'),
        web: { url: http.url.href },
        own: { ...fixture('ask.ts'), isolation: 'session' },
        latepipe: fixture('late.ts'),
        lateweb: { url: lateHttp.url.href },
      },
      permissions: ids.map((id) => ({ match: `${id}/*`, level: 'OPERATOR' })),
      router: { rateLimit: { perMinute: 1_000_000 } },
    },
  });
});
afterAll(async () => {
  await village.remove();
  await http.stop();
  await lateHttp.stop();
});

/** A client with its own stream open, as clients have it. */
class Client {
  readonly session: RawSession;
  readonly own: EventClient;
  private constructor(session: RawSession, own: EventClient) {
    this.session = session;
    this.own = own;
  }
  static async open(agent: string, capabilities: object, tool: string): Promise<Client> {
    const session = await (await RawSession.open(village.url, tokenFor(agent), { capabilities })).listed(tool);
    return new Client(session, await EventClient.get(session));
  }
  call(name: string, args: object, id: unknown = 1): Promise<EventClient> {
    return EventClient.post(this.session, {
      jsonrpc: '2.0',
      id,
      method: 'tools/call',
      params: { name, arguments: args },
    });
  }
  answer(id: unknown, result: object): Promise<unknown> {
    return this.session.post({ jsonrpc: '2.0', id, result });
  }
  /** Requests it was asked on its own stream. */
  get asked(): JsonRpc[] {
    return this.own.messages.filter(({ id, method }) => id !== undefined && method !== undefined);
  }
}

function sampled(text: string): object {
  return { role: 'assistant', content: { type: 'text', text }, model: 'm' };
}

/** What the tool says it was told. */
function outcome(answer: JsonRpc): { answer?: Record<string, unknown>; error?: Record<string, unknown> } {
  const content = answer.result?.content as { text: string }[];
  return JSON.parse(content[0]!.text) as ReturnType<typeof outcome>;
}

const KINDS: [string, object, string, object][] = [
  ['sample', { prompt: 'for alice only' }, 'sampling/createMessage', sampled('42')],
  ['elicit', { message: 'for alice only' }, 'elicitation/create', { action: 'accept', content: { answer: '42' } }],
  ['roots', {}, 'roots/list', { roots: [{ uri: 'file:///alice' }] }],
];

describe.each(['pipe', 'web', 'own'])('%s', (server) => {
  it.each(KINDS)(
    '[P3] B04: %s asks the client of the call alone, and takes no answer but its',
    async (tool, args, method, result) => {
      const alice = await Client.open('alice', CAPABILITIES, `${server}__sample`);
      const bob = await Client.open('bob', CAPABILITIES, `${server}__sample`);
      const stream = await alice.call(`${server}__${tool}`, args);
      const question = await stream.notified(method);
      // By her question's id, by every id the router may use upstream, as a number and as a string, and as an error.
      for (const id of [question.id, ...Array.from({ length: 50 }, (_, i) => i), String(question.id)]) {
        await bob.answer(id, { ...result, forged: true });
        await bob.session.post({ jsonrpc: '2.0', id, error: { code: -1, message: 'forged' } });
      }
      expect(stream.messages.filter(({ method: none }) => none === undefined)).toEqual([]);
      await alice.answer(question.id, result);
      expect(outcome(await stream.answer(1)).answer).toEqual(result);
      expect(bob.asked).toEqual([]);
      expect(bob.own.text).not.toContain('alice');
      expect(alice.asked).toEqual([]);
    },
  );

  it('[P3] B04: three questions of one call are answered each by its own answer, in any order', async () => {
    const alice = await Client.open('alice', CAPABILITIES, `${server}__sample`);
    const stream = await alice.call(`${server}__ask_all`, { text: 'all' });
    const questions = await Promise.all(KINDS.map(([, , method]) => stream.notified(method)));
    expect(new Set(questions.map(({ id }) => id)).size).toBe(3);
    for (const [i, question] of [...questions.entries()].reverse()) await alice.answer(question.id, KINDS[i]![3]);
    const { all } = outcome(await stream.answer(1)) as { all?: unknown };
    expect(all ?? outcome(await stream.answer(1)).answer?.all).toEqual(KINDS.map(([, , , result]) => result));
  });

  it.each(KINDS)(
    '[P3] B04: %s of a client that did not say that it takes it is refused to the server, and nobody is asked',
    async (tool, args) => {
      const alice = await Client.open('alice', {}, `${server}__sample`);
      const bob = await Client.open('bob', CAPABILITIES, `${server}__sample`);
      const answer = await alice.session.call(`${server}__${tool}`, args);
      expect(outcome(answer).error).toMatchObject({ code: -32601 });
      expect([...answer.before, ...alice.asked, ...bob.asked]).toEqual([]);
    },
  );

  it('[P3] B04: a second answer to a question does nothing', async () => {
    const alice = await Client.open('alice', CAPABILITIES, `${server}__sample`);
    const stream = await alice.call(`${server}__sample`, { prompt: 'once' });
    const { id } = await stream.notified('sampling/createMessage');
    await alice.answer(id, sampled('first'));
    await alice.answer(id, sampled('second'));
    expect(outcome(await stream.answer(1)).answer).toEqual(sampled('first'));
  });

  it('[P3] B04: a client that cancels its call has its question taken back', async () => {
    const alice = await Client.open('alice', CAPABILITIES, `${server}__sample`);
    const stream = await alice.call(`${server}__sample`, { prompt: 'never mind' });
    const { id } = await stream.notified('sampling/createMessage');
    await alice.session.post({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 1 } });
    expect((await stream.notified('notifications/cancelled')).params?.requestId).toBe(id);
    await until('the stream ends', () => stream.isOver);
    expect(stream.messages.filter(({ method }) => method === undefined)).toEqual([]);
  });
});

it('[P3] B04: on a shared pipe nobody is asked while two clients have calls there', async () => {
  const alice = await Client.open('alice', CAPABILITIES, 'pair__sample');
  const bob = await Client.open('bob', CAPABILITIES, 'pair__sample');
  const waiting = await alice.call('pair__sample', { prompt: "alice's" });
  const { id } = await waiting.notified('sampling/createMessage');
  const refused = await bob.session.call('pair__sample', { prompt: "bob's" });
  expect(outcome(refused).error?.code).toBe(-32601);
  expect(refused.before).toEqual([]);
  await alice.answer(id, sampled('mine'));
  expect(outcome(await waiting.answer(1)).answer).toEqual(sampled('mine'));
  expect(waiting.text).not.toContain("bob's");
  expect(village.stderr()).toContain('isolation');
});

it.each(['web', 'own'])(
  '[P3] B04: on %s each of ten clients is asked its own question at the same time',
  async (server) => {
    const clients = await Promise.all(
      Array.from({ length: 10 }, (_, i) => Client.open(`agent-${i}`, CAPABILITIES, `${server}__sample`)),
    );
    const streams = await Promise.all(
      clients.map((client, i) => client.call(`${server}__sample`, { prompt: `for ${i}.` })),
    );
    const questions = await Promise.all(streams.map((stream) => stream.notified('sampling/createMessage', 20_000)));
    for (const [i, { params }] of questions.entries()) expect(JSON.stringify(params)).toContain(`for ${i}.`);
    await Promise.all(clients.map((client, i) => client.answer(questions[i]!.id, sampled(`by ${i}`))));
    for (const [i, stream] of streams.entries()) {
      expect(outcome(await stream.answer(1)).answer).toEqual(sampled(`by ${i}`));
      expect(stream.messages.filter(({ method }) => method === 'sampling/createMessage')).toHaveLength(1);
    }
  },
);

it('[P3] B04: what a server asks when no call is open goes to no client, where several used it', async () => {
  const alice = await Client.open('alice', CAPABILITIES, 'pipe__ask_later');
  const bob = await Client.open('bob', CAPABILITIES, 'pipe__ask_later');
  await alice.session.call('pipe__ask_later', { ms: 50, prompt: 'to nobody' });
  await until('the server was refused', () => /ask_later .*-32601/.test(village.stderr()));
  expect([...alice.asked, ...bob.asked]).toEqual([]);
});

it.each(['latepipe', 'lateweb'])(
  '[P3] B04: what %s asks for a call that was given up is not asked of the next client there',
  async (server) => {
    const alice = await Client.open('alice', CAPABILITIES, `${server}__late`);
    const bob = await Client.open('bob', CAPABILITIES, `${server}__late`);
    const heard = (what: string) =>
      until(`${server} ${what}`, () =>
        (village.stderr() + lateHttp.stderr.join('\n')).includes(`${what} secret of ${server}`),
      );
    const given = alice.session.post({
      jsonrpc: '2.0',
      id: 5,
      method: 'tools/call',
      params: { name: `${server}__late`, arguments: { ms: 700, text: `secret of ${server}` } },
    });
    await heard('began');
    const posted = bob.call(`${server}__late`, { ms: 1_500, text: "bob's" });
    await alice.session.post({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 5 } });
    await given;
    const stream = await posted;
    await heard('said');
    const question = await Promise.race([stream.notified('sampling/createMessage'), stream.answer(1)]);
    if (question.method !== undefined) await bob.answer(question.id, sampled('x'));
    await stream.answer(1);
    const asked = [...stream.messages, ...bob.own.messages].filter(({ method }) => method === 'sampling/createMessage');
    expect(JSON.stringify(asked)).not.toContain('secret');
  },
);
