import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Started, startHttpFixture } from '../fixtures/lib/start.ts';
import { DOORS, openDoor, type RawDoor } from './lib/raw-doors.ts';
import { fixture, tokenFor, Village } from './lib/village.ts';

const TEN_MB = 10_000_000;

/** Texts that a parser and printer would change, each an object; what a result or arguments may be. */
const TEXTS: Readonly<Record<string, string>> = {
  unknown_fields: '{"content":[{"type":"text","text":"x","later":{"deep":[1,null]}}],"_meta":{"a/b":1},"extra":[true]}',
  unknown_content: '{"content":[{"type":"hologram","frames":[1,2,3]},{"type":"text","text":"y"}]}',
  numbers:
    '{"structuredContent":{"n":9007199254740993,"f":1.10,"e":1E+2,"zero":-0,"big":123456789012345678901234567890.5},"content":[]}',
  lone_escapes: '{"content":[{"type":"text","text":"\\ud800 \\uDFFF \\u0000 \\/ \\u00e9 \\u2028"}]}',
  key_order: '{"zeta":1,"2":2,"1":1,"content":[],"alpha":{"b":1,"a":2}}',
  spaces: '{ "content" : [ ] , "a" :\t[ 1 , 2 ] }',
  unicode: '{"content":[{"type":"text","text":"Grüße \u2028 🙂 e\u0301 \u007f"}]}',
  proto: '{"__proto__":{"a":1},"constructor":null,"content":[]}',
  looks_like_error: '{"isError":true,"content":[{"type":"text","text":"{\\"jsonrpc\\":\\"2.0\\",\\"error\\":{}}"}]}',
  ten_mb: `{"content":[{"type":"text","text":"${'0123456789abcdé\\n'.repeat(TEN_MB / 18)}"}],"last":9007199254740993}`,
};
const NAMES = Object.keys(TEXTS);

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'unchanged-'));
const started: Started[] = [];
let village: Village;

beforeAll(async () => {
  for (const name of NAMES) fs.writeFileSync(path.join(folder, `${name}.json`), TEXTS[name]!);
  const raw = await startHttpFixture('raw.ts', ['--dir', folder]);
  const mirror = await startHttpFixture('mirror.ts');
  started.push(raw, mirror);
  village = await Village.start({
    config: {
      mcpServers: {
        raw_stdio: fixture('raw.ts', '--dir', folder),
        raw_http: { url: raw.url.href },
        mirror_stdio: fixture('mirror.ts'),
        mirror_http: { url: mirror.url.href },
      },
      agents: { alice: { level: 'OPERATOR' } },
      permissions: ['raw_stdio/*', 'raw_http/*', 'mirror_stdio/*', 'mirror_http/*'].map((match) => ({
        match,
        level: 'OPERATOR',
      })),
      // Odd arguments one after the other, in one session, are what screening is there to stop.
      router: { screening: false },
    },
  });
});
afterAll(async () => {
  await village.remove();
  await Promise.all(started.map((each) => each.stop()));
  fs.rmSync(folder, { recursive: true });
});

describe.each(DOORS)('through the door %s', (name) => {
  let door: RawDoor;
  let nextId = 1;
  beforeAll(async () => {
    door = await openDoor(village, tokenFor('alice'), name);
  });
  afterAll(() => door.close());

  const call = (tool: string, args: string): Promise<Buffer> =>
    door.ask(
      `{"jsonrpc":"2.0","id":${nextId++},"method":"tools/call","params":{"name":"${tool}","arguments":${args},"later":1}}`,
    );

  describe.each(['stdio', 'http'])('from a server over %s', (upstream) => {
    it.each(NAMES)('[P5] a result arrives byte for byte: %s', async (text) => {
      const answer = await call(`raw_${upstream}__${text}`, '{}');
      expectSame(lastMember(answer, 'result'), TEXTS[text]!);
    });

    it.each(NAMES)('[P5] arguments arrive byte for byte: %s', async (text) => {
      const answer = await call(`mirror_${upstream}__mirror`, TEXTS[text]!);
      const seen = requestSeen(lastMember(answer, 'result'));
      const start = seen.indexOf('"arguments":') + '"arguments":'.length;
      expectSame(seen.subarray(start, seen.lastIndexOf(',"later":1}}')), TEXTS[text]!);
    });
  });
});

/** The bytes of the last member of a message. */
function lastMember(message: Buffer, member: string): Buffer {
  const mark = `"${member}":`;
  const at = message.indexOf(mark);
  if (at < 0 || at > 100) throw new Error(`no ${member} in ${message.subarray(0, 500).toString('utf8')}`);
  return message.subarray(at + mark.length, message.length - 1);
}

function requestSeen(result: Buffer): Buffer {
  const { content } = JSON.parse(result.toString('utf8')) as { content: { text: string }[] };
  const { bodyBase64 } = JSON.parse(content[0]!.text) as { bodyBase64: string };
  return Buffer.from(bodyBase64, 'base64');
}

/** Says where they differ, without printing megabytes. */
function expectSame(came: Buffer, sent: string): void {
  const expected = Buffer.from(sent, 'utf8');
  if (came.equals(expected)) return;
  const at = came.findIndex((byte, i) => byte !== expected[i]);
  const around = (bytes: Buffer): string => bytes.subarray(Math.max(0, at - 20), at + 60).toString('utf8');
  expect({ at, length: came.length, text: around(came) }).toEqual({
    at: -1,
    length: expected.length,
    text: around(expected),
  });
}
