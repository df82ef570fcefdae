/** How the bare relay reaches its upstream: one process with many calls in flight, or an undici Pool. No checks, no limits. */
import { spawn } from 'node:child_process';
import { Pool } from 'undici';

export interface BareUpstream {
  /** @returns the whole answer's text */
  call(method: string, params: unknown): Promise<string>;
}

const CONNECTIONS = 64;
const ID = /"id":(\d+)/;

export function openStdio(command: string, args: readonly string[]): BareUpstream {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const waiting = new Map<number, (text: string) => void>();
  let nextId = 1;
  let unsent = '';
  let rest = '';
  child.on('exit', () => process.exit(1));
  child.stdout.setEncoding('utf8');
  child.stdout.on('data', (piece: string) => {
    const lines = (rest + piece).split('\n');
    rest = lines.pop()!;
    for (const line of lines) {
      const id = Number(ID.exec(line)?.[1]);
      const resolve = waiting.get(id);
      waiting.delete(id);
      resolve?.(line);
    }
  });
  const flush = () => {
    child.stdin.write(unsent);
    unsent = '';
  };
  return {
    call(method, params) {
      const id = nextId++;
      if (unsent === '') setImmediate(flush);
      unsent += `${JSON.stringify({ jsonrpc: '2.0', id, method, params })}\n`;
      return new Promise((resolve) => waiting.set(id, resolve));
    },
  };
}

export function openHttp(address: string): BareUpstream {
  const { origin, pathname } = new URL(address);
  const pool = new Pool(origin, { connections: CONNECTIONS, pipelining: 1 });
  const headers: Record<string, string> = {
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
  };
  let nextId = 1;
  return {
    async call(method, params) {
      const body = JSON.stringify({ jsonrpc: '2.0', id: nextId++, method, params });
      const reply = await pool.request({ method: 'POST', path: pathname, headers, body });
      const session = reply.headers['mcp-session-id'];
      if (typeof session === 'string') headers['mcp-session-id'] = session;
      return reply.body.text();
    },
  };
}
