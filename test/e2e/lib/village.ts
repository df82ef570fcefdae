/**
 * A real router process for one test: its own data folder, configuration and secret, ended with everything it started. Tests
 * speak to it like anybody: by HTTP, by the command line, by signals.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createHmac, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
export const LAUNCHER = path.join(ROOT, 'router/bin/aivillage.mjs');
export const FIXTURES = path.join(ROOT, 'test/fixtures');
export const SECRET = 'a secret of tests, long enough: 0123456789abcdef';

export interface VillageConfig {
  readonly mcpServers?: Readonly<Record<string, unknown>>;
  readonly agents?: Readonly<Record<string, unknown>>;
  readonly permissions?: readonly unknown[];
  readonly router?: Readonly<Record<string, unknown>>;
  readonly governance?: Readonly<Record<string, unknown>>;
  readonly economy?: Readonly<Record<string, unknown>>;
  readonly forge?: Readonly<Record<string, unknown>>;
  readonly fog?: Readonly<Record<string, unknown>>;
}

export interface StartOptions {
  readonly config: VillageConfig;
  /** Beside what every test router gets. */
  readonly env?: Readonly<Record<string, string>>;
  /** Keeps and uses this folder instead of a new one: for restarts. */
  readonly folder?: string;
  /** To listen on; any free one unless given: for restarts at the same address. */
  readonly port?: number;
  /** A program and its arguments that start the router's own command line, such as `prlimit --nofile=64`. */
  readonly within?: readonly string[];
  /** The launcher of another copy of the sources; this one's unless given. */
  readonly launcher?: string;
}

/** An entry of mcpServers that starts a fixture over stdio. */
export function fixture(file: string, ...args: string[]): { command: string; args: string[] } {
  return { command: 'node', args: [path.join(FIXTURES, file), ...args] };
}

export interface Claims {
  readonly [name: string]: unknown;
}

/** Claims that the router accepts; override or remove (undefined) any of them. */
export function claims(agent: string, override: Claims = {}): Claims {
  const now = Math.floor(Date.now() / 1000);
  return {
    sub: agent,
    agent_id: agent,
    role: 'user',
    governance_level: 'OPERATOR',
    permissions: [],
    iss: 'aivillage',
    aud: 'aivillage',
    iat: now,
    exp: now + 900,
    jti: randomUUID(),
    type: 'access',
    ...override,
  };
}

/** An HS256 token, signed by hand so that anything can be signed. */
export function sign(payload: Claims, secret = SECRET, header: Claims = { alg: 'HS256', typ: 'JWT' }): string {
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const text = `${part(header)}.${part(payload)}`;
  return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`;
}

/** A good token of this agent. */
export function tokenFor(agent: string, override: Claims = {}): string {
  return sign(claims(agent, override));
}

export class Village {
  /** Such as `http://127.0.0.1:40123`. */
  readonly url: string;
  readonly folder: string;
  readonly dataDir: string;
  readonly checkpointDir: string;
  readonly configFile: string;
  readonly process: ChildProcess;
  /** What it wrote to stderr so far. */
  readonly stderr: () => string;
  /** What the router was started with. */
  readonly env: NodeJS.ProcessEnv;

  private constructor(parts: Pick<Village, 'url' | 'folder' | 'process' | 'stderr'>, env: NodeJS.ProcessEnv) {
    this.url = parts.url;
    this.folder = parts.folder;
    this.dataDir = path.join(parts.folder, 'data');
    this.checkpointDir = path.join(parts.folder, 'checkpoints');
    this.configFile = path.join(parts.folder, 'mcp-servers.json');
    this.process = parts.process;
    this.stderr = parts.stderr;
    this.env = env;
  }

  /** Starts `aivillage router --http PORT` and waits until it says that it is ready. */
  static async start(options: StartOptions): Promise<Village> {
    const { config, env: more = {}, folder: given, port = 0, within = [], launcher = LAUNCHER } = options;
    const folder = given ?? fs.mkdtempSync(path.join(os.tmpdir(), 'village-'));
    const configFile = path.join(folder, 'mcp-servers.json');
    fs.writeFileSync(configFile, textOf(config));
    const env = {
      PATH: process.env.PATH,
      HOME: folder,
      AIVILLAGE_DATA_DIR: path.join(folder, 'data'),
      AIVILLAGE_CHECKPOINT_DIR: path.join(folder, 'checkpoints'),
      AIVILLAGE_CONFIG: configFile,
      MCP_JWT_SECRET_KEY: SECRET,
      MCP_LOG_LEVEL: 'info',
      // Villages of different tests must not meet on the network of the machine.
      P2P_MDNS: '0',
      ...more,
    };
    const [program, ...args] = [...within, process.execPath, launcher, 'router', '--http', String(port)];
    const child = spawn(program!, args, {
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    const url = await new Promise<string>((resolve, reject) => {
      createInterface(child.stdout).on('line', (line) => {
        const ready = /^ready (http\S+)\/mcp$/.exec(line);
        if (ready?.[1] !== undefined) resolve(ready[1]);
      });
      child.once('exit', (code) => reject(new Error(`the router ended with ${code} before it was ready: ${stderr}`)));
    });
    return new Village({ url, folder, process: child, stderr: () => stderr }, env);
  }

  /** How a desktop host would start a router of its own on the same folder. */
  stdioCommand(token: string): { command: string; args: string[]; env: Record<string, string> } {
    const env = Object.entries(this.env).filter((entry): entry is [string, string] => entry[1] !== undefined);
    return {
      command: process.execPath,
      args: [LAUNCHER, 'router', '--stdio'],
      env: { ...Object.fromEntries(env), MCP_TOKEN: token },
    };
  }

  /** Replaces the configuration file, as an editor does. */
  reconfigure(config: VillageConfig): void {
    const temporary = `${this.configFile}.new`;
    fs.writeFileSync(temporary, textOf(config));
    fs.renameSync(temporary, this.configFile);
  }

  /** Runs the command line on the same folder. */
  async cli(...args: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
    return runCli(args, this.env);
  }

  /** The same, with this on its input. */
  async cliWith(input: string, ...args: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
    return runCli(args, this.env, input);
  }

  /** All audit records, oldest first. */
  async audit(): Promise<Record<string, unknown>[]> {
    const { stdout } = await this.cli('audit', 'export');
    return stdout
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  }

  /** Ends it as a user would; its folder stays. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return;
    const gone = once(this.process, 'exit');
    this.process.kill(signal);
    const timer = setTimeout(() => this.process.kill('SIGKILL'), 15_000);
    await gone;
    clearTimeout(timer);
  }

  /** Ends it and removes its folder. */
  async remove(): Promise<void> {
    await this.stop();
    fs.rmSync(this.folder, { recursive: true, force: true, maxRetries: 3 });
  }
}

/** Tests that are not about limits are not limited. */
function textOf({ router, ...config }: VillageConfig): string {
  return JSON.stringify({ mcpServers: {}, ...config, router: { rateLimit: { perMinute: 1_000_000 }, ...router } });
}

/** Runs the launcher with these arguments. */
export async function runCli(
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  input = '',
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const child = spawn(process.execPath, [LAUNCHER, ...args], { env, stdio: ['pipe', 'pipe', 'pipe'] });
  child.stdin.end(input);
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stdout, stderr };
}
