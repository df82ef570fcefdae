import { describe, expect, it } from 'vitest';
import {
  memberOf,
  octetsOf,
  onOneLine,
  progressTokenOf,
  readClientMessage,
  readUpstreamMessage,
  splice,
  stringOf,
} from '../../../router/message.ts';
import { AppError } from '../../../shared/errors.ts';
import { encodeOctets } from '../../../shared/json/octets.ts';

const read = (text: string) => readClientMessage(encodeOctets(text));

function refusal(text: string): string {
  try {
    read(text);
  } catch (error) {
    if (error instanceof AppError) return `${error.kind} ${error.toJsonRpc().data.reason}`;
    throw error;
  }
  return 'accepted';
}

describe('[S3] what a client may send', () => {
  it.each([
    ['{"jsonrpc":"2.0","id":1,"method":"ping"}', 'request'],
    ['{"jsonrpc":"2.0","id":"a","method":"ping","params":{}}', 'request'],
    ['{"jsonrpc":"2.0","method":"notifications/initialized"}', 'notification'],
    ['{"jsonrpc":"2.0","id":0,"result":{}}', 'result'],
    ['{"jsonrpc":"2.0","id":0,"error":{"code":1,"message":""}}', 'error'],
    ['{"method":"ping","id":-5,"jsonrpc":"2.0","other":1}', 'request'],
  ])('takes %s as a %s', (text, kind) => {
    expect(read(text).kind).toBe(kind);
  });

  it.each([
    ['{"jsonrpc":"2.0","id":null,"method":"ping"}', 'INVALID_ID INVALID_MESSAGE_ID'],
    ['{"jsonrpc":"2.0","id":1.5,"method":"ping"}', 'INVALID_ID INVALID_MESSAGE_ID'],
    ['{"jsonrpc":"2.0","id":[1],"method":"ping"}', 'INVALID_ID INVALID_MESSAGE_ID'],
    ['{"jsonrpc":"2.0","id":{},"method":"ping"}', 'INVALID_ID INVALID_MESSAGE_ID'],
    [`{"jsonrpc":"2.0","id":"${'x'.repeat(20_000)}","method":"ping"}`, 'INVALID_ID INVALID_MESSAGE_ID'],
    ['{"jsonrpc":"1.0","id":1,"method":"ping"}', 'INVALID_REQUEST INVALID_MESSAGE_FORMAT'],
    ['{"id":1,"method":"ping"}', 'INVALID_REQUEST INVALID_MESSAGE_FORMAT'],
    ['{"jsonrpc":"2.0","id":1}', 'INVALID_REQUEST INVALID_MESSAGE_FORMAT'],
    ['{"jsonrpc":"2.0","id":1,"method":7}', 'INVALID_REQUEST INVALID_MESSAGE_FORMAT'],
    ['{"jsonrpc":"2.0","id":1,"method":"ping","params":[1]}', 'INVALID_REQUEST INVALID_MESSAGE_FORMAT'],
    ['{"jsonrpc":"2.0","id":1,"method":"ping","result":{}}', 'INVALID_REQUEST INVALID_MESSAGE_FORMAT'],
    ['{"jsonrpc":"2.0","id":1,"result":{},"error":{}}', 'INVALID_REQUEST INVALID_MESSAGE_FORMAT'],
    ['{"jsonrpc":"2.0","id":1,"method":"ping"', 'PARSE_ERROR INVALID_MESSAGE_FORMAT'],
    [
      `{"jsonrpc":"2.0","id":1,"method":"ping","params":{"a":${'['.repeat(5_000)}${']'.repeat(5_000)}}}`,
      'MESSAGE_TOO_LARGE MESSAGE_TOO_LARGE',
    ],
  ])('refuses %.60s', (text, expected) => {
    expect(refusal(text)).toBe(expected);
  });
});

describe('[S3] C04: keys that two parsers could read differently', () => {
  const call = (params: string) => `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":${params}}`;
  it.each([
    [call('{"name":"echo","name":"ledger.append"}')],
    [call('{"name":"echo","Name":"ledger.append"}')],
    [call('{"name":"echo","na\\u006de":"ledger.append"}')],
    [call('{"name":"echo","NA\\u004dE":"ledger.append"}')],
    [call('{"name":"echo","arguments":{"a":1,"a":2}}')],
    [call('{"name":"echo","arguments":{},"arguments":{}}')],
    [call('{"name":"echo","Arguments":{}}')],
    [call('{"name":"echo","_META":{}}')],
    ['{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}'],
    ['{"jsonrpc":"2.0","id":1,"ID":2,"method":"ping"}'],
    ['{"jsonrpc":"2.0","id":1,"method":"ping","METHOD":"tools/call"}'],
    ['{"jsonrpc":"2.0","id":1,"method":"ping","method":"tools/call"}'],
    ['{"jsonrpc":"2.0","id":1,"method":"ping","params":{},"Params":{}}'],
  ])('refuses %s', (text) => {
    expect(refusal(text)).toBe('INVALID_REQUEST INVALID_MESSAGE_FORMAT');
  });

  it('reads the protocol’s own mixed-case keys', () => {
    expect(refusal('{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}')).toBe('accepted');
    expect(refusal('{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestID":1}}')).not.toBe(
      'accepted',
    );
  });
});

it('reads names with escapes and beyond ASCII', () => {
  const message = read('{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"e\\u0063ho-é"}}');
  expect(stringOf(message, 'name')).toBe('echo-é');
});

it('finds the progress token, whatever its type', () => {
  const token = (value: string) => {
    const message = read(`{"jsonrpc":"2.0","id":1,"method":"x","params":{"_meta":{"progressToken":${value}}}}`);
    const member = progressTokenOf(message);
    return member && octetsOf(message.text, member);
  };
  expect(token('1')).toBe('1');
  expect(token('"1"')).toBe('"1"');
  expect(token(`"${'t'.repeat(10_000)}"`)).toHaveLength(10_002);
  expect(token('null')).toBeUndefined();
});

it.each(['{"a":1}', '1.5', '7.0', '7e0', 'true', '[7]', `"${'t'.repeat(20_000)}"`])(
  '[P3] B03: refuses the progress token %.20s, which would come back as another',
  (value) => {
    const message = read(`{"jsonrpc":"2.0","id":1,"method":"x","params":{"_meta":{"progressToken":${value}}}}`);
    expect(() => progressTokenOf(message)).toThrow('progressToken must be a string or an integer');
  },
);

it.each(['[]', '1', 'null', '"x"'])('[S3] refuses the _meta %s, which a server would drop without a word', (meta) => {
  expect(() => read(`{"jsonrpc":"2.0","id":1,"method":"x","params":{"_meta":${meta}}}`)).toThrow('must be an object');
});

it('[P5] replaces slices and leaves every other octet as it came', () => {
  const message = read(
    '{"jsonrpc":"2.0","id":1,"method":"m","params":{ "name" : "a", "n":9007199254740993, "s":"\\ud800", "u":"ü" }}',
  );
  const name = memberOf(message.params, 'name')!;
  const { start, end } = message.params!;
  const edited = splice(message.text, start, end, [{ start: name.start, end: name.end, octets: '"other"' }]);
  expect(edited).toBe(encodeOctets('{ "name" : "other", "n":9007199254740993, "s":"\\ud800", "u":"ü" }'));
});

it('brings a message of several lines onto one', () => {
  const message = onOneLine(encodeOctets('{\r\n  "a": "\\n",\n  "b": 1\n}'));
  expect(message).not.toMatch(/[\r\n]/);
  expect(JSON.parse(message)).toEqual({ a: '\n', b: 1 });
});

it('takes from an upstream what it would not take from a client', () => {
  expect(readUpstreamMessage(encodeOctets('{"jsonrpc":"2.0","id":1,"result":{"a":1,"a":2}}')).kind).toBe('result');
});
