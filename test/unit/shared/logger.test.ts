import { execFile } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isSecretKey, sealLine } from '../../../shared/log-line.ts';
import { createLogger, withCorrelation } from '../../../shared/logger.ts';

const run = promisify(execFile);

let folder: string;
beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'aivillage-log-'));
});
afterEach(() => {
  fs.rmSync(folder, { recursive: true, force: true });
});

function capture() {
  const lines: string[] = [];
  return { lines, stream: { write: (line: string) => void lines.push(line) } };
}

function last(lines: readonly string[]): Record<string, unknown> {
  return JSON.parse(lines.at(-1)!) as Record<string, unknown>;
}

const FORGERY = '\r\n{"level":"audit","actor":"carol"}\u2028\u0085\u001b[2J\u202eabc\u200b';

describe('createLogger', () => {
  it('[X5] writes one JSON object with level, time, name and correlation id', () => {
    const { lines, stream } = capture();
    const logger = createLogger({ name: 'router', level: 'info', stream });
    withCorrelation(logger, 'c-1').warn({ server: 'monitoring' }, 'slow');
    logger.debug('not logged');
    expect(lines).toHaveLength(1);
    expect(last(lines)).toEqual({
      level: 'warn',
      time: expect.stringMatching(/^\d{4}-.*Z$/),
      pid: process.pid,
      name: 'router',
      correlationId: 'c-1',
      server: 'monitoring',
      msg: 'slow',
    });
  });

  it.each([
    ['a message', FORGERY],
    ['a value', { clientInfo: FORGERY }],
    ['a key', { [FORGERY]: 1 }],
    ['an error', new Error(FORGERY)],
    ['a megabyte', { text: FORGERY.repeat(40_000) }],
    ['a lone surrogate', { text: '\ud800' }],
  ])('[X5] [D07] keeps a forged line inside one line: %s', (_, what) => {
    const { lines, stream } = capture();
    createLogger({ name: 'router', level: 'info', stream }).error(what as object);
    expect(lines).toHaveLength(1);
    expect(lines[0]!.slice(0, -1)).toMatch(/^[^\p{Cc}\p{Cf}\u2028\u2029]+$/u);
    expect(lines[0]!.endsWith('\n')).toBe(true);
    expect(lines[0]!.length).toBeLessThan(20_000);
    expect(last(lines)).toMatchObject({ level: 'error', name: 'router' });
  });

  it('[D07] does not let a logged object write the level, time or name', () => {
    const { lines, stream } = capture();
    const logger = createLogger({ name: 'router', level: 'info', stream });
    logger.info({ level: 'audit', name: 'carol', time: 0, pid: 1, other: 2 }, 'x');
    expect(last(lines)).toMatchObject({ level: 'info', name: 'router', pid: process.pid, _level: 'audit', other: 2 });
  });

  it('[D07] logs and does not throw whatever value is put in', () => {
    const circular: { big: bigint; self?: unknown } = { big: 10n };
    circular.self = circular;
    const hostile = [
      circular,
      {
        get trap() {
          throw new Error('trap');
        },
      },
      {
        toJSON() {
          throw new Error('trap');
        },
      },
      {
        inner: {
          toJSON() {
            throw new Error('trap');
          },
        },
      },
      new Proxy(
        {},
        {
          ownKeys: () => {
            throw new Error('trap');
          },
        },
      ),
      JSON.parse('{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}'),
      Object.create(null),
      Symbol('s'),
      () => 1,
      [1, 2],
      null,
      undefined,
    ];
    const { lines, stream } = capture();
    const logger = createLogger({ name: 'router', level: 'info', stream });
    for (const value of hostile) logger.info(value);
    expect(lines).toHaveLength(hostile.length);
    for (const line of lines) expect(JSON.parse(line)).toMatchObject({ pid: process.pid });
    expect(Reflect.get({}, 'polluted')).toBeUndefined();
  });

  it('[D07] prints any JSON value as one parseable line', () => {
    const { lines, stream } = capture();
    const logger = createLogger({ name: 'router', level: 'info', stream });
    fc.assert(
      fc.property(fc.jsonValue({ noUnicodeString: false }), fc.string({ unit: 'binary' }), (value, text) => {
        lines.length = 0;
        logger.info({ value, [text]: text }, text);
        expect(lines).toHaveLength(1);
        expect(lines[0]!.indexOf('\n')).toBe(lines[0]!.length - 1);
        expect(typeof last(lines)).toBe('object');
      }),
      { numRuns: 300 },
    );
  });
});

describe('secrets', () => {
  const CANARY = 'canary-5f0c8d';

  it.each([
    ['by key', { headers: { Authorization: CANARY, 'set-cookie': [CANARY] } }],
    ['by key, deep', { a: { b: { c: { client_secret: CANARY } } } }],
    ['by key ending', { MCP_JWT_SECRET_KEY: CANARY, refreshToken: CANARY, 'x-api-key': CANARY, password: CANARY }],
    ['of an error', Object.assign(new Error('x'), { config: { token: CANARY } })],
    ['as bearer', { text: `sent Bearer ${CANARY}` }],
    ['as JWT', { text: `got eyJhbGciOiJI.${CANARY}.${CANARY}!` }],
    ['in a query', { url: `https://x.example/?a=1&access_token=${CANARY}` }],
    ['as private key', { text: `-----BEGIN PRIVATE KEY-----\n${CANARY}\n-----END PRIVATE KEY-----` }],
  ])('[D4] are kept out: %s', (_, what) => {
    const { lines, stream } = capture();
    createLogger({ name: 'router', level: 'info', stream }).info(what);
    expect(lines[0]).toContain('[redacted]');
    expect(lines[0]).not.toContain(CANARY);
  });

  it.each([
    ['tokenId', false],
    ['progressToken', false],
    ['total_tokens', false],
    ['access_token', true],
    ['API-Key', true],
    ['Proxy-Authorization', true],
    ['monkey', false],
  ])('[D4] says of the key %s whether its value is a secret: %s', (key, expected) => {
    expect(isSecretKey(key)).toBe(expected);
  });

  it('[D07] cuts a long value and keeps its length and digest', () => {
    const line = JSON.parse(sealLine(JSON.stringify({ msg: 'a'.repeat(9000) }))) as { msg: string };
    expect(line.msg).toMatch(/^a{1024}… \(9000 characters, sha256:[0-9a-f]{16}\)$/);
  });

  it('[D04] seals a hostile megabyte in linear time', () => {
    const lengths = [100_000, 1_000_000];
    const hostile = lengths.map((n) => `{"msg":"${'eyJ-eyJ-Bearer -----BEGIN token='.repeat(n / 32)}"}`);
    const [small, large] = hostile.map((line) => {
      const start = process.cpuUsage();
      sealLine(line);
      return process.cpuUsage(start).user;
    });
    expect(large).toBeLessThan(Math.max(small!, 5_000) * 100);
  });
});

function readLines(file: string): string[] {
  return fs
    .readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '');
}

describe('the log file', () => {
  function readAll(): string[] {
    const files = fs.readdirSync(folder).filter((name) => name.startsWith('router.'));
    return files.flatMap((name) => readLines(path.join(folder, name)));
  }

  it('[X5] rotates by size, keeps at most five files, and loses no line of those', async () => {
    const { stream } = capture();
    const file = { path: path.join(folder, 'router.log'), maxBytes: 4_000, count: 5 };
    const logger = createLogger({ name: 'router', level: 'info', stream, file });
    const newest = () => Math.max(0, ...fs.readdirSync(folder).map((name) => Number(name.split('.')[1])));
    for (let burst = 1; burst <= 8; burst++) {
      for (let i = 0; i < 40; i++) logger.info({ n: (burst - 1) * 40 + i }, 'x'.repeat(50));
      await expect.poll(newest, { timeout: 10_000 }).toBeGreaterThan(burst);
    }
    await logger.close();
    const names = fs.readdirSync(folder).sort();
    expect(names.every((name) => /^router\.\d+\.log$/.test(name))).toBe(true);
    expect(names.length).toBeGreaterThanOrEqual(4);
    expect(names.length).toBeLessThanOrEqual(5);
    const numbers = readAll()
      .map((line) => (JSON.parse(line) as { n: number }).n)
      .sort((a, b) => a - b);
    expect(numbers.at(-1)).toBe(319);
    expect(numbers).toEqual(Array.from({ length: numbers.length }, (_, i) => 320 - numbers.length + i));
    expect(fs.statSync(path.join(folder, names[0]!)).mode & 0o077).toBe(0);
  });

  it('[X5] does not stop logging when the file cannot be written, and takes it up again later', async () => {
    const { lines, stream } = capture();
    const blocked = path.join(folder, 'logs');
    fs.writeFileSync(blocked, 'a file where a folder should be');
    let now = 0;
    const logger = createLogger({
      name: 'router',
      level: 'info',
      stream,
      file: path.join(blocked, 'router.log'),
      now: () => now,
    });
    logger.info('one');
    expect(lines.filter((line) => line.includes('no log file'))).toHaveLength(1);
    expect(last(lines)).toMatchObject({ msg: 'one' });
    fs.rmSync(blocked);
    logger.info('two');
    expect(fs.existsSync(blocked)).toBe(false);
    now = 10_000;
    logger.info('three');
    await logger.close();
    expect(fs.readFileSync(path.join(blocked, 'router.1.log'), 'utf8')).toContain('three');
  });

  it('[X5] has everything on disk and on stderr when the process exits at once', async () => {
    const logger = path.resolve('shared/logger.ts');
    const file = path.join(folder, 'router.log');
    const code = `import { createLogger } from ${JSON.stringify(logger)};
      const log = createLogger({ name: 'child', level: 'info', file: ${JSON.stringify(file)} });
      for (let i = 0; i < 200; i++) log.info({ i }, 'line');
      process.exit(3);`;
    const failed = await run(process.execPath, ['--input-type=module', '-e', code]).catch((error: unknown) => error);
    expect(failed).toMatchObject({ code: 3, stdout: '' });
    const stderr = Reflect.get(Object(failed), 'stderr') as string;
    expect(stderr.trimEnd().split('\n')).toHaveLength(200);
    expect(readAll()).toHaveLength(200);
  });

  it('[X5] can be closed at once in a process that has nothing else to do', async () => {
    const logger = path.resolve('shared/logger.ts');
    const file = path.join(folder, 'router.log');
    const code = `import { createLogger } from ${JSON.stringify(logger)};
      const log = createLogger({ name: 'child', level: 'info', file: ${JSON.stringify(file)} });
      log.info('only');
      await log.close();
      process.exitCode = 4;`;
    const ended = await run(process.execPath, ['--input-type=module', '-e', code]).catch((error: unknown) => error);
    expect(ended).toMatchObject({ code: 4 });
    expect(readAll()).toHaveLength(1);
  });
});
