/** A forwarder on this machine that adds a bearer token to what passes: the suite can send none. It changes nothing else. */
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { pipeline } from 'node:stream';

export interface TokenAdder {
  /** The address that stands for a path of the target. */
  url(path: string): string;
  close(): Promise<void>;
}

/** @param target such as `http://127.0.0.1:40123` */
export async function addToken(target: string, token: string): Promise<TokenAdder> {
  const { hostname, port } = new URL(target);
  const server = http.createServer((request, response) => {
    const { method, url: path, rawHeaders } = request;
    const headers = [...rawHeaders, 'Authorization', `Bearer ${token}`];
    const onward = http.request({ hostname, port, method, path, headers, setHost: false, agent: false }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.rawHeaders);
      // Heads of streams must not wait for their first event.
      response.flushHeaders();
      pipeline(answer, response, () => {});
    });
    onward.on('error', () => response.destroy());
    response.on('close', () => onward.destroy());
    request.pipe(onward);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port: own } = server.address() as AddressInfo;
  return {
    url: (path) => `http://127.0.0.1:${own}${path}`,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
