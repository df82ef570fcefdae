/** The bench's upstream over Streamable HTTP. `node echo-http.ts [TOOLS]`; sends its port to its parent and ends with it. */
import { randomUUID } from 'node:crypto';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { createAnswerTo } from './echo-answer.ts';

const answerTo = createAnswerTo(Number(process.argv[2] ?? 1));

const server = http.createServer((request, response) => {
  if (request.method !== 'POST') {
    response.writeHead(405).end();
    return;
  }
  let body = '';
  request.setEncoding('utf8');
  request.on('data', (piece: string) => {
    body += piece;
  });
  request.on('end', () => {
    const answer = answerTo(body);
    if (answer === undefined) {
      response.writeHead(202).end();
      return;
    }
    const session = request.headers['mcp-session-id'] === undefined ? { 'Mcp-Session-Id': randomUUID() } : {};
    const headers = { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(answer), ...session };
    response.writeHead(200, headers).end(answer);
  });
});
server.keepAliveTimeout = 60_000;
server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port));
process.on('disconnect', () => process.exit(0));
