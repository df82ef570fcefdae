/** An MCP server over HTTP that answers every request at once, as JSON or (argument `sse`) as events; tells its parent its port. */
import http from 'node:http';
import type { AddressInfo } from 'node:net';

const asStream = process.argv[2] === 'sse';
const server = http.createServer((request, response) => {
  let body = '';
  request.setEncoding('latin1');
  request.on('data', (piece: string) => {
    body += piece;
  });
  request.on('end', () => {
    const id = /"id":(\d+)/.exec(body)?.[1] ?? 'null';
    const answer = `{"result":{"content":[{"type":"text","text":"hello from the other side of the wire"}]},"jsonrpc":"2.0","id":${id}}`;
    const text = asStream ? `event: message\ndata: ${answer}\n\n` : answer;
    const type = asStream ? 'text/event-stream' : 'application/json';
    response.writeHead(200, { 'content-type': type, 'content-length': text.length }).end(text);
  });
});
server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port));
process.on('disconnect', () => process.exit(0));
