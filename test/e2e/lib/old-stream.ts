/** The stream of the HTTP+SSE transport of 2024-11-05, as every test client of it opens and reads it. */
import { once } from 'node:events';
import http from 'node:http';

export interface OldStream {
  readonly request: http.ClientRequest;
  /** Where messages are posted: what the stream's first event says. */
  readonly path: string;
}

/** Opens it and waits for its address; each message that comes later goes to `took`. */
export async function openOldStream(url: string, token: string, took: (data: string) => void): Promise<OldStream> {
  const headers = { authorization: `Bearer ${token}`, accept: 'text/event-stream' };
  const request = http.get(`${url}/sse`, { headers, agent: false });
  request.on('error', () => {});
  const [response] = (await once(request, 'response')) as [http.IncomingMessage];
  response.on('error', () => {});
  const { promise: addressed, resolve } = Promise.withResolvers<string>();
  let rest = '';
  response.setEncoding('utf8').on('data', (text: string) => {
    const events = (rest + text).split('\n\n');
    rest = events.pop()!;
    for (const event of events) {
      const data = /^data: (.*)$/m.exec(event)?.[1];
      if (data === undefined) continue;
      if (event.startsWith('event: endpoint')) resolve(data);
      else took(data);
    }
  });
  return { request, path: await addressed };
}
