import { expect, it } from 'vitest';
import { answeredId, idOfHead, idOfTail } from '../../../../../router/upstreams/http/answers.ts';
import { encodeOctets } from '../../../../../shared/json/octets.ts';

it.each([
  ['{"jsonrpc":"2.0","id":5,"result":{}}', 5],
  ['{"jsonrpc":"2.0","id":0,"error":{"code":1,"message":"x"}}', 0],
  ['{"result":{"id":9},"jsonrpc":"2.0","id":5}', 5],
  ['{"error":{},"id":12,"jsonrpc":"2.0"}', 12],
  ['{ "id" : 7 , "jsonrpc":"2.0", "x":[1,{}], "result" : 3 }', 7],
  ['{"result":{"a":",\\"id\\":5}"},"id":6,"jsonrpc":"2.0"}', 6],
  ['{"jsonrpc":"2.0","id":5,"method":"ping"}', undefined],
  ['{"jsonrpc":"2.0","method":"x","params":{"result":1,"id":5}}', undefined],
  ['{"jsonrpc":"2.0","id":"5","result":{}}', undefined],
  ['{"jsonrpc":"2.0","id":null,"error":{}}', undefined],
  ['{"jsonrpc":"2.0","id":5.5,"result":{}}', undefined],
  ['{"jsonrpc":"2.0","id":05,"result":{}}', undefined],
  ['[{"jsonrpc":"2.0","id":5,"result":{}}]', undefined],
  ['{"jsonrpc":"2.0","params":{"id":5,"result":1}}', undefined],
  ['not json', undefined],
  ['', undefined],
])('[P3] sees in %s whose answer it is', (message, id) => {
  expect(answeredId(encodeOctets(message))).toBe(id);
});

it('[R8] finds the id in the first or the last bytes of a response', () => {
  expect(idOfHead('{"jsonrpc":"2.0","id":31,"result":"xxxx')).toBe(31);
  expect(idOfHead('{"result":"xxxx')).toBeUndefined();
  expect(idOfTail('xxxx"},"jsonrpc":"2.0","id":31}')).toBe(31);
  expect(idOfTail('xxxx"}}')).toBeUndefined();
});
