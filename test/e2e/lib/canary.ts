/**
 * A healthy client that calls a healthy server all the time, to show whether somebody else's trouble reaches it. It runs as a
 * process of its own (`node canary.ts URL TOKEN TOOL EVERY_MS`), so that a busy test does not look like a slow router.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { RawSession, textOf } from './raw-client.ts';

export interface CanaryReport {
  readonly calls: number;
  readonly failures: readonly string[];
  readonly worstMs: number;
  readonly medianMs: number;
  readonly p99Ms: number;
}

const SELF = fileURLToPath(import.meta.url);

export class Canary {
  private readonly process: ChildProcess;

  private constructor(child: ChildProcess) {
    this.process = child;
  }

  /** @param tool an echo: `{text}` → the same text */
  static async start(url: string, token: string, tool: string, everyMs = 20): Promise<Canary> {
    const child = spawn(process.execPath, [SELF, url, token, tool, String(everyMs)], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    await once(child.stdout, 'readable');
    return new Canary(child);
  }

  async stop(): Promise<CanaryReport> {
    this.process.stdin!.end();
    return JSON.parse(await text(this.process.stdout!)) as CanaryReport;
  }
}

async function run(url: string, token: string, tool: string, everyMs: number): Promise<void> {
  const session = await RawSession.open(url, token);
  const times: number[] = [];
  const failures: string[] = [];
  let stopped = false;
  process.stdin.on('end', () => {
    stopped = true;
  });
  process.stdin.resume();
  process.stdout.write('\n');
  for (let n = 0; !stopped; n++) {
    const since = performance.now();
    try {
      const answer = await session.call(tool, { text: `canary ${n}` });
      if (textOf(answer) !== `canary ${n}`) failures.push(JSON.stringify(answer));
    } catch (error) {
      failures.push(String(error));
    }
    times.push(performance.now() - since);
    await wait(everyMs);
  }
  times.sort((a, b) => a - b);
  const report: CanaryReport = {
    calls: times.length,
    failures: failures.slice(0, 20),
    worstMs: times.at(-1) ?? 0,
    medianMs: times[times.length >> 1] ?? 0,
    p99Ms: times[Math.floor(times.length * 0.99)] ?? 0,
  };
  process.stdout.write(`${JSON.stringify(report)}\n`);
}

if (process.argv[1] === SELF) {
  const [url = '', token = '', tool = '', everyMs = ''] = process.argv.slice(2);
  await run(url, token, tool, Number(everyMs));
}
