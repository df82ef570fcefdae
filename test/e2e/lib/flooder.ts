/**
 * One caller that asks as fast as it can, of everything, whatever it is told: `node flooder.ts URL TOKEN IN-FLIGHT`. Ends when its
 * input ends, and prints how its requests ended.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import http from 'node:http';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { POST_HEADERS } from './raw-client.ts';

export interface FloodReport {
  readonly requests: number;
  /** Ends: a result, a reason, or an HTTP status → how often. */
  readonly ends: Readonly<Record<string, number>>;
}

const SELF = fileURLToPath(import.meta.url);
/** Each is another way to ask. */
const METHODS = [
  { method: 'tools/call', params: { name: 'free__echo', arguments: { text: 'flood' } } },
  { method: 'tools/list' },
  { method: 'tools/call', params: { name: 'no_such_tool', arguments: {} } },
  {
    method: 'completion/complete',
    params: { ref: { type: 'ref/prompt', name: 'free__greet' }, argument: { name: 'name', value: 'a' } },
  },
  {
    method: 'tools/call',
    params: { name: 'governance_vote', arguments: { proposal_id: 'none', vote: 'approve', reasoning: 'flood' } },
  },
  { method: 'resources/read', params: { uri: 'note://alice' } },
  { method: 'ping' },
];

export class Flooder {
  private readonly process: ChildProcess;

  private constructor(child: ChildProcess) {
    this.process = child;
  }

  static async start(url: string, token: string, inFlight: number): Promise<Flooder> {
    const child = spawn(process.execPath, [SELF, url, token, String(inFlight)], { stdio: ['pipe', 'pipe', 'inherit'] });
    await once(child.stdout, 'readable');
    return new Flooder(child);
  }

  async stop(): Promise<FloodReport> {
    this.process.stdin!.end();
    return JSON.parse(await text(this.process.stdout!)) as FloodReport;
  }
}

interface Answer {
  readonly status: number;
  readonly session: string | undefined;
  readonly text: string;
}

async function run(url: string, token: string, inFlight: number): Promise<void> {
  const { hostname, port } = new URL(url);
  const agent = new http.Agent({ keepAlive: true, maxSockets: inFlight });
  const ends: Record<string, number> = {};
  let requests = 0;
  let isOver = false;
  process.stdin.on('end', () => {
    isOver = true;
  });
  process.stdin.resume();
  process.stdout.write('\n');

  const post = (message: object, session: string | undefined): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const headers = {
        ...POST_HEADERS,
        authorization: `Bearer ${token}`,
        ...(session === undefined ? {} : { 'mcp-session-id': session }),
      };
      const sent = http.request({ hostname, port, path: '/mcp', method: 'POST', headers, agent }, (response) => {
        let body = '';
        response.setEncoding('utf8').on('data', (part: string) => {
          body += part;
        });
        response.on('end', () => {
          const id = response.headers['mcp-session-id'];
          resolve({
            status: response.statusCode ?? 0,
            session: typeof id === 'string' ? id : undefined,
            text: body,
          });
        });
        response.on('error', reject);
      });
      sent.on('error', reject);
      sent.end(JSON.stringify({ jsonrpc: '2.0', id: requests, ...message }));
    });

  const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'flooder', version: '1' } };
  const lane = async (first: number): Promise<void> => {
    let session: string | undefined;
    for (let n = first; !isOver; n++) {
      const message = session === undefined ? { method: 'initialize', params } : METHODS[n % METHODS.length]!;
      requests++;
      try {
        const answer = await post(message, session);
        const reason = /"reason":"([A-Z_]+)"/.exec(answer.text)?.[1];
        const end = answer.status === 200 ? (reason ?? 'result') : `${answer.status} ${reason ?? ''}`;
        ends[end] = (ends[end] ?? 0) + 1;
        if (session === undefined) session = answer.session;
        else if (answer.status === 404) session = undefined;
      } catch {
        ends.broken = (ends.broken ?? 0) + 1;
      }
    }
  };
  await Promise.all(Array.from({ length: inFlight }, (_, i) => lane(i)));
  process.stdout.write(`${JSON.stringify({ requests, ends } satisfies FloodReport)}\n`);
  agent.destroy();
}

if (process.argv[1] === SELF) {
  const [url = '', token = '', inFlight = ''] = process.argv.slice(2);
  await run(url, token, Number(inFlight));
}
