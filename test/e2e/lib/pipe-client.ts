/** A router on stdio as a desktop host starts it, and a client of HTTP+SSE (2024-11-05): both take bytes and give messages. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { type OldStream, openOldStream } from './old-stream.ts';
import { type JsonRpc, POST_HEADERS, type RawAnswer, send } from './raw-client.ts';
import { LAUNCHER } from './village.ts';

/** Messages in the order they came, and a way to wait for one. */
class Inbox {
  readonly messages: JsonRpc[] = [];
  private wake: () => void = () => {};

  put(text: string): void {
    this.messages.push(JSON.parse(text) as JsonRpc);
    this.wake();
  }

  /** The first message that fits, which is taken out. */
  async take(fits: (message: JsonRpc) => boolean, withinMs = 15_000): Promise<JsonRpc> {
    const until = performance.now() + withinMs;
    for (;;) {
      const at = this.messages.findIndex(fits);
      if (at >= 0) return this.messages.splice(at, 1)[0]!;
      const left = until - performance.now();
      if (left <= 0) throw new Error(`no such message within ${withinMs} ms`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  answerTo(id: unknown): Promise<JsonRpc> {
    return this.take((message) => message.id === id && message.method === undefined);
  }
}

const INITIALIZE = {
  jsonrpc: '2.0',
  id: 0,
  method: 'initialize',
  params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'pipe-client', version: '1' } },
};

/** `aivillage router --stdio`. */
export class StdioRouter {
  readonly process: ChildProcess;
  readonly inbox = new Inbox();
  stderr = '';

  private constructor(child: ChildProcess) {
    this.process = child;
    let rest = '';
    child.stdout!.setEncoding('utf8').on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop()!;
      for (const line of lines) this.inbox.put(line);
    });
    child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
    });
    child.stdin!.on('error', () => {});
  }

  /** @param folder for its data, when `env` belongs to a router that runs */
  static async start(env: NodeJS.ProcessEnv, folder?: string): Promise<StdioRouter> {
    const own = { AIVILLAGE_DATA_DIR: `${folder}/data`, AIVILLAGE_CHECKPOINT_DIR: `${folder}/checkpoints` };
    const child = spawn(process.execPath, [LAUNCHER, 'router', '--stdio'], {
      env: folder === undefined ? env : { ...env, ...own },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    const router = new StdioRouter(child);
    router.post(INITIALIZE);
    const ended = once(child, 'exit').then(() => {
      throw new Error(`the router ended: ${router.stderr}`);
    });
    await Promise.race([router.inbox.answerTo(0), ended]);
    ended.catch(() => {});
    router.post({ jsonrpc: '2.0', method: 'notifications/initialized' });
    return router;
  }

  /** Writes a message, or bytes as they are; resolves when the pipe took them, with false when it is closed. */
  post(message: object | Buffer): Promise<boolean> {
    const bytes = Buffer.isBuffer(message) ? message : Buffer.from(`${JSON.stringify(message)}\n`);
    return new Promise((resolve) => this.process.stdin!.write(bytes, (error) => resolve(error == null)));
  }

  async stop(): Promise<number | null> {
    if (this.process.exitCode === null && this.process.signalCode === null) {
      const gone = once(this.process, 'exit');
      this.process.stdin!.end();
      const timer = setTimeout(() => this.process.kill('SIGKILL'), 15_000);
      await gone;
      clearTimeout(timer);
    }
    return this.process.exitCode;
  }
}

/** A session over `/sse` and `/messages`. */
export class SseSession {
  readonly inbox = new Inbox();
  private readonly url: string;
  private readonly token: string;
  private stream: OldStream | undefined;

  private constructor(url: string, token: string) {
    this.url = url;
    this.token = token;
  }

  static async open(url: string, token: string): Promise<SseSession> {
    const session = new SseSession(url, token);
    session.stream = await openOldStream(url, token, (data) => session.inbox.put(data));
    await session.post(
      Buffer.from(JSON.stringify({ ...INITIALIZE, params: { ...INITIALIZE.params, protocolVersion: '2024-11-05' } })),
    );
    await session.inbox.answerTo(0);
    await session.post(Buffer.from('{"jsonrpc":"2.0","method":"notifications/initialized"}'));
    return session;
  }

  post(body: Buffer, headers: Readonly<Record<string, string>> = {}): Promise<RawAnswer> {
    const all = { ...POST_HEADERS, authorization: `Bearer ${this.token}`, ...headers };
    return send(this.url, { path: this.stream!.path, headers: all, body });
  }

  close(): void {
    this.stream!.request.destroy();
  }
}
