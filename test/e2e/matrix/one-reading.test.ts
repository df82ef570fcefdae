/** C04: a message has one reading. What is authorised is what is forwarded and what is recorded, byte for byte; the rest is refused. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { keyedDigest, readKeys } from '../../../router/audit/keys.ts';
import { encodeOctets } from '../../../shared/json/octets.ts';
import { DOORS, type DoorClient, openDoor } from '../lib/doors.ts';
import { RecordingServer } from '../lib/recording-server.ts';
import { fixture, tokenFor, Village } from '../lib/village.ts';

let village: Village;
let recorder: RecordingServer;

beforeAll(async () => {
  recorder = await RecordingServer.start('rec', { tools: ['mirror', 'secret'], prompts: ['open', 'closed'] });
  village = await Village.start({
    config: {
      mcpServers: { rec: recorder.entry, pipe: fixture('mirror.ts') },
      agents: { alice: { level: 'OPERATOR' } },
      permissions: [
        { match: 'rec/mirror', level: 'OPERATOR' },
        { match: 'pipe/mirror', level: 'OPERATOR' },
        { match: 'prompt:rec/open', level: 'OPERATOR' },
      ],
      // What is read here once is hostile on purpose.
      router: { rateLimit: { perMinute: 1_000_000 }, screening: false },
    },
  });
});
afterAll(async () => {
  await village.remove();
  await recorder.close();
});

const call = (params: string, rest = '') => `{"jsonrpc":"2.0","id":7,"method":"tools/call","params":${params}${rest}}`;
const LONG_S = '\u017f';
const KELVIN = '\u212a';

/** Texts that two readers may take for different calls. */
const REFUSED: readonly (readonly [string, string | Buffer])[] = [
  ['name twice, the good one first', call('{"name":"rec__mirror","name":"rec__secret"}')],
  ['name twice, the good one last', call('{"name":"rec__secret","name":"rec__mirror"}')],
  ['Name beside name', call('{"name":"rec__mirror","Name":"rec__secret"}')],
  ['NAME beside name', call('{"NAME":"rec__secret","name":"rec__mirror"}')],
  ['name with an escape, twice', call('{"name":"rec__mirror","na\\u006de":"rec__secret"}')],
  ['arguments twice', call('{"name":"rec__mirror","arguments":{"a":1},"arguments":{"a":2}}')],
  ['Arguments beside arguments', call('{"name":"rec__mirror","arguments":{},"Arguments":{"a":2}}')],
  ['arguments with a long s', call(`{"name":"rec__mirror","arguments":{},"argument${LONG_S}":{"a":2}}`)],
  ['a key twice within the arguments', call('{"name":"rec__mirror","arguments":{"a":1,"a":2}}')],
  ['a key twice deep in the arguments', call('{"name":"rec__mirror","arguments":{"a":[{"b":1,"\\u0062":2}]}}')],
  ['params twice', call('{"name":"rec__mirror"}', ',"params":{"name":"rec__secret"}')],
  ['Params beside params', call('{"name":"rec__mirror"}', ',"Params":{"name":"rec__secret"}')],
  ['params with a long s', call('{"name":"rec__mirror"}', `,"param${LONG_S}":{"name":"rec__secret"}`)],
  ['method twice', call('{"name":"rec__mirror"}', ',"method":"ping"')],
  ['METHOD beside method', call('{"name":"rec__mirror"}', ',"METHOD":"ping"')],
  ['id twice', call('{"name":"rec__mirror"}', ',"id":8')],
  ['a progress token in another case', call('{"name":"rec__mirror","_meta":{"progresstoken":1}}')],
  ['a progress token with a Kelvin sign', call(`{"name":"rec__mirror","_meta":{"progressTo${KELVIN}en":1}}`)],
  ['_meta twice', call('{"name":"rec__mirror","_meta":{},"_meta":{"progressToken":1}}')],
  [
    'Name beside name in a reference',
    '{"jsonrpc":"2.0","id":7,"method":"completion/complete","params":{"ref":{"type":"ref/prompt","name":"rec__open",' +
      '"Name":"rec__closed"},"argument":{"name":"a","value":""}}}',
  ],
  ['a name that is no string', call('{"name":["rec__mirror"]}')],
  ['params that are a list', call('["rec__mirror"]')],
  ['something behind the message', `${call('{"name":"rec__mirror"}')} {"name":"rec__secret"}`],
  ['a byte that is no UTF-8', Buffer.from(call('{"name":"rec__mirror","arguments":{"a":"\xff"}}'), 'latin1')],
  ['a comment', call('{"name":"rec__mirror"/*,"name":"rec__secret"*/}')],
];

/** Arguments that JSON.parse and print would change; all of them arrive as they were. */
const KEPT = [
  '{ "a" : 9007199254740993, "b":1.0,"c" : 1e400 }',
  '{"z":1,"a":2,"10":3,"2":4}',
  '{"\\u0061":"\\ud800","b":"\\/\\u0041"}',
  '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}',
  '{"name":"rec__secret","Name":"x","params":{"name":"rec__secret"},"jsonrpc":"1.0"}',
  '{"text":"\u00e9\u65e5\u672c\ud83d\ude00"}',
];

describe.each(DOORS)('over %s', (door) => {
  let client: DoorClient;
  beforeAll(async () => {
    client = await openDoor(door, village, tokenFor('alice'));
    // The servers of a process that has just begun list first.
    await client.list('tools/list', 'tools', 'name');
  }, 90_000);
  afterAll(() => client.close());
  afterEach(() => {
    recorder.received.length = 0;
  });

  it.each(REFUSED)('[S3] C04: refuses %s, and nothing is forwarded', async (_, text) => {
    const { error, result } = await client.raw(text);
    expect(result).toBeUndefined();
    expect([-32600, -32602, -32700]).toContain(error?.code);
    expect(error?.data?.reason).toMatch(/^INVALID_MESSAGE_FORMAT$/);
    expect((await client.request('ping')).result).toEqual({});
    expect(recorder.received).toEqual([]);
  });

  it.each(KEPT)('[P5] [D4] C04: forwards and digests %s as it is', async (args) => {
    const before = (await village.audit()).length;
    expect((await client.raw(call(`{"name":"rec__mirror","arguments":${args}}`))).result).toBeDefined();
    const [body, ...more] = recorder.received;
    expect(more).toEqual([]);
    expect(body!.toString()).toContain(`"params":{"name":"mirror","arguments":${args}}`);

    const piped = await client.raw(call(`{"name":"pipe__mirror","arguments":${args}}`));
    const content = piped.result?.content as { text: string }[];
    const line = Buffer.from(JSON.parse(content[0]!.text).bodyBase64, 'base64').toString();
    expect(line).toContain(`"params":{"name":"mirror","arguments":${args}}`);

    const keys = readKeys(village.dataDir, village.checkpointDir);
    if (typeof keys === 'string') throw new Error(keys);
    const digest = keyedDigest(keys, encodeOctets(args));
    const records = (await village.audit()).slice(before).filter(({ tool }) => String(tool).endsWith('__mirror'));
    expect(records.map(({ kind, argsDigest }) => [kind, argsDigest])).toEqual(
      ['call_started', 'call_finished', 'call_started', 'call_finished'].map((kind) => [kind, digest]),
    );
  });
});
