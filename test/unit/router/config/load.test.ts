// biome-ignore-all lint/suspicious/noTemplateCurlyInString: placeholders of the configuration are what is tested
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findConfigFile, loadConfig } from '../../../../router/config/load.ts';
import { ConfigError } from '../../../../router/config/mistake.ts';
import type { Environment } from '../../../../shared/settings.ts';

let folder: string;
let file: string;
beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'aivillage-config-'));
  file = path.join(folder, 'mcp-servers.json');
});
afterEach(() => {
  fs.rmSync(folder, { recursive: true, force: true });
});

const ENV: Environment = { HOME: '/home/sage', KEY: 'canary-7d1e', EMPTY: '', MCP_TOKEN: 'canary-7d1e' };

function load(text: string | object, env = ENV) {
  fs.writeFileSync(file, typeof text === 'string' ? text : JSON.stringify(text));
  return loadConfig(file, env, { maxServers: 3, maxTimeoutMs: 600_000 });
}

function write(bytes: Buffer): string {
  fs.writeFileSync(file, bytes);
  return file;
}

/** Lines of the message without the file's path: `line:column: path: text remedy`. */
function mistakesOf(text: string | object, env?: Environment): string[] {
  try {
    load(text, env);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.message.split('\n').map((line) => line.replace(`${file}:`, ''));
  }
  return [];
}

function mistakesOfEntry(entry: object | string, rest: object = {}): string[] {
  return mistakesOf({ mcpServers: { x: entry }, ...rest }).map((line) => line.replace(/^\d+:\d+: /, ''));
}

describe('a whole file', () => {
  it('[X1] reads what hosts write and what is ours, with comments and trailing commas', () => {
    const config = load(`\ufeff{
      // hosts' own
      "mcpServers": {
        "files": { "command": "npx", "args": ["-y", "files@1.0.0", "./data"], "type": "stdio", "alwaysAllow": ["read"],
                   "autoApprove": [], "description": "d", "disabled": true },
        "web": { "url": "https://web.example/mcp", "type": "http", "headers": { "Authorization": "Bearer \${KEY}" } },
        /* ours */
        "old": { "command": "./bin/old", "cwd": "work", "env": { "A": "\${NONE:-b}" }, "prefix": "", "isolation": "session",
                 "strategy": "adaptive", "assertion": true, "timeoutMs": 5000, "startTimeoutMs": 100,
                 "securityProfile": { "risk_level": "high", "allowed_operations": ["read_*"], "rate_limit": 10,
                   "max_concurrent_operations": 2, "require_authentication": true, "sandbox": true, }, },
      },
      "agents": { "sage": { "level": "GOVERNANCE", "role": "admin", "permissions": ["fog:*"] } },
      "permissions": [{ "match": "files/read_*", "level": "OPERATOR", "cacheSeconds": 5, "rate": { "perMinute": 3 },
        "arguments": { "type": "object" }, "approval": "major_change", "audit": true, "justification": true }],
      "router": { "rateLimit": { "perMinute": 7 }, "pageSize": 50 },
    }`);
    expect([...config.servers.values()]).toEqual([
      {
        kind: 'stdio',
        id: 'files',
        command: 'npx',
        args: ['-y', 'files@1.0.0', './data'],
        env: {},
        cwd: folder,
        isBuiltIn: false,
        assertion: false,
        isolation: 'shared',
        replicas: 1,
        strategy: 'round-robin',
        disabled: true,
      },
      {
        kind: 'remote',
        id: 'web',
        url: 'https://web.example/mcp',
        headers: { Authorization: 'Bearer canary-7d1e' },
        transport: 'streamable-http',
        allowPrivateAddress: false,
        isBuiltIn: false,
        assertion: false,
        isolation: 'shared',
        replicas: 1,
        strategy: 'round-robin',
        disabled: false,
      },
      {
        kind: 'stdio',
        id: 'old',
        command: path.join(folder, 'bin/old'),
        args: [],
        env: { A: 'b' },
        cwd: path.join(folder, 'work'),
        isBuiltIn: false,
        assertion: true,
        isolation: 'session',
        replicas: 1,
        strategy: 'adaptive',
        disabled: false,
        prefix: '',
        timeoutMs: 5000,
        startTimeoutMs: 100,
        securityProfile: {
          risk_level: 'high',
          allowed_operations: ['read_*'],
          rate_limit: 10,
          max_concurrent_operations: 2,
          require_authentication: true,
          sandbox: true,
        },
        sandbox: { network: false, readable: [], writable: [] },
      },
    ]);
    expect(config.agents).toEqual(new Map([['sage', { level: 'GOVERNANCE', role: 'admin', permissions: ['fog:*'] }]]));
    expect(config.permissions).toEqual([
      {
        match: 'files/read_*',
        level: 'OPERATOR',
        cacheSeconds: 5,
        rate: { perMinute: 3 },
        arguments: { type: 'object' },
        approval: 'major_change',
        audit: true,
        justification: true,
      },
    ]);
    expect(config.router).toEqual({
      rateLimit: { perMinute: 7 },
      definitions: 'first-use',
      screening: true,
      lean: false,
      pageSize: 50,
      allowedHosts: [],
      allowedOrigins: [],
    });
    expect(config.locate(['permissions', 0, 'match'])).toEqual({ file, line: 14, column: 34 });
    expect(config.warnings).toEqual([]);
  });

  it('[X1] takes the smallest file', () => {
    const config = load('{"mcpServers":{}}');
    expect(config).toMatchObject({ servers: new Map(), agents: new Map(), permissions: [] });
    expect(config.router.rateLimit.perMinute).toBe(100);
  });

  it("[X1] accepts the project's own file: monitoring is built in and the village has 23 agents", () => {
    const own = path.resolve('mcp-servers.json');
    const config = loadConfig(own, {});
    expect(config.servers.get('monitoring')).toMatchObject({
      kind: 'stdio',
      command: 'node',
      cwd: path.dirname(own),
      disabled: false,
    });
    expect(config.agents.size).toBe(23);
    expect(config.agents.get('king')?.level).toBe('EMERGENCY');
    expect(() => JSON.parse(fs.readFileSync(own, 'utf8'))).not.toThrow();
  });

  it('[X1] finds the file by the setting, then in the data folder, then its own', () => {
    expect(findConfigFile({ configFile: '/c.json', dataDir: folder })).toBe('/c.json');
    expect(findConfigFile({ configFile: undefined, dataDir: folder })).toBe(path.resolve('mcp-servers.json'));
    load('{}'.replace('}', '"mcpServers":{}}'));
    expect(findConfigFile({ configFile: undefined, dataDir: folder })).toBe(file);
  });
});

describe('mistakes of syntax', () => {
  it.each([
    ['', '1:1: expected an object, got nothing.'],
    ['{', '1:2: expected a closing brace.'],
    ['[]', '1:1: expected an object, got an empty list.'],
    ['{"a" 1}', '1:6: expected a colon after the key.'],
    [
      '{\n  "mcpServers": {\r\n    x: 1 } }',
      '3:5: expected a value: text in double quotes, a number, true, false, null, an object or a list.',
    ],
    ['{"a": "b}', '1:7: expected the closing quote.'],
    ['{"a": "\\q"}', '1:7: expected an escape that JSON knows; a backslash is written twice.'],
    ['{"mcpServers": {}} x', '1:20: expected the end of the file.'],
    ['{"mcpServers": {}} /*', '1:20: expected the end of the comment.'],
    [
      '{"mcpServers": {\n  "x": {"command": "node"},\n  "x": {}}}',
      '3:3: mcpServers.x: expected each key once, got it again after line 2. Remove one of them.',
    ],
    [
      '{"mcpServers": {"x": {"command": "node",\n"command": "npx"}}}',
      '2:1: mcpServers.x.command: expected each key once, got it again after line 1. Remove one of them.',
    ],
    [
      '{"__proto__": 1, "__proto__": 2}',
      '1:18: __proto__: expected each key once, got it again after line 1. Remove one of them.',
    ],
    [`{"mcpServers": ${'['.repeat(64)}`, '1:79: expected at most 64 levels of nesting, got more.'],
  ])('[X1] names the place of the first in %j', (text, mistake) => {
    expect(mistakesOf(text)[0]).toBe(mistake);
  });

  it('[X1] is not brought down by a million brackets', () => {
    expect(mistakesOf('['.repeat(1_000_000))).toEqual(['1:65: expected at most 64 levels of nesting, got more.']);
  });

  it.each([
    [
      'missing',
      () => file,
      'there is no such file. Name another with --config or AIVILLAGE_CONFIG, or write { "mcpServers": {} } into it.',
    ],
    ['a folder', () => folder, 'expected a file of at most 4194304 bytes, got a folder.'],
    ['too large', () => write(Buffer.alloc(5_000_000)), 'expected a file of at most 4194304 bytes, got 5000000.'],
    [
      'not UTF-8',
      () => write(Buffer.from([0x7b, 0xff, 0x7d])),
      'expected text in UTF-8, got other bytes. Save it as UTF-8.',
    ],
  ])('[X1] says what is wrong with a file that is %s', (_, name, mistake) => {
    const where = name();
    expect(() => loadConfig(where, {})).toThrow(
      new ConfigError([{ file: where, line: 1, column: 1, path: [], text: mistake, remedy: undefined }]).message,
    );
  });
});

describe('mistakes of the shape', () => {
  it('[X1] tells all mistakes of a file together, in its order, each with its place', () => {
    expect(
      mistakesOf(`{
  "mcpServer": {},
  "mcpServers": {
    "a b": { "command": "node" },
    "x": { "comand": "node" },
    "y": { "command": "node", "args": "-v", "enviroment": {}, "isolation": "none",
           "securityProfile": { "risk": "low", "rate_limit": 0 } }
  },
  "agents": { "king": { "level": "emergency" }, "sage": {} },
  "permissions": [ { "match": "x/*" }, { "level": "OPERATOR", "match": "", "rate": { "perMinutes": 1 } } ],
  "router": { "pageSize": "10" }
}`),
    ).toEqual([
      '2:3: mcpServer: expected a known key, got "mcpServer". Did you mean "mcpServers"?',
      '4:5: mcpServers["a b"]: expected an id of 1 to 64 letters, digits, _ or -. It is part of tool names and of the address.',
      '5:10: mcpServers.x: expected "command" (a local server) or "url" (a remote one), got neither.',
      '6:39: mcpServers.y.args: expected a list of at most 256 texts, got a text of 2 characters.',
      '6:45: mcpServers.y.enviroment: expected a known key, got "enviroment". Did you mean "env"?',
      '6:76: mcpServers.y.isolation: expected one of "shared", "session", got "none".',
      '7:33: mcpServers.y.securityProfile.risk: expected a known key, got "risk". Did you mean "risk_level"?',
      '7:62: mcpServers.y.securityProfile.rate_limit: expected a whole number of calls a minute from 1 to 1000000, got 0.',
      '9:34: agents.king.level: expected one of "READ_ONLY", "OPERATOR", "COORDINATOR", "GOVERNANCE", "EMERGENCY", got "emergency".',
      '9:57: agents.sage.level: expected one of "READ_ONLY", "OPERATOR", "COORDINATOR", "GOVERNANCE", "EMERGENCY", got nothing.',
      '10:20: permissions[0].level: expected one of "READ_ONLY", "OPERATOR", "COORDINATOR", "GOVERNANCE", "EMERGENCY", got nothing.',
      '10:72: permissions[1].match: expected a text of 1 to 512 characters, got "".',
      '10:84: permissions[1].rate.perMinute: expected a whole number of calls from 1 to 1000000, got nothing.',
      '10:86: permissions[1].rate.perMinutes: expected a known key, got "perMinutes". Did you mean "perMinute"?',
      '11:27: router.pageSize: expected a whole number of entries from 1 to 10000, got "10".',
    ]);
  });

  it.each([
    [null, 'mcpServers.x: expected an object, got null.'],
    [
      { command: 'node', url: 'https://x.example' },
      'mcpServers.x: expected "command" (a local server) or "url" (a remote one), got both.',
    ],
    [{ command: '' }, 'mcpServers.x.command: expected a text of 1 to 4096 characters, got a text of 0 characters.'],
    [{ command: 'node', args: ['a', 5] }, 'mcpServers.x.args[1]: expected a text of at most 32768 characters, got 5.'],
    [
      { command: 'node', args: ['a\0b'] },
      'mcpServers.x.args[0]: expected a text of at most 32768 characters, got a text of 3 characters.',
    ],
    [{ command: 'node', env: { A: 1 } }, 'mcpServers.x.env.A: expected a text in one line, got 1.'],
    [
      { command: 'node', env: { 'A=B': 'canary' } },
      'mcpServers.x.env["A=B"]: expected a variable name as key, got a text of 6 characters.',
    ],
    [
      { command: 'node', prefix: 'a.b' },
      'mcpServers.x.prefix: expected letters, digits, _ or -, at most 32, got "a.b".',
    ],
    [
      { command: 'node', replicas: 1.5 },
      'mcpServers.x.replicas: expected a whole number from 1 to 32, or a list of as many copies, got 1.5.',
    ],
    [
      { command: 'node', timeoutMs: 600_001 },
      'mcpServers.x.timeoutMs: expected at most 600000, got 600001. MCP_MAX_TIMEOUT (in seconds) sets the maximum.',
    ],
    [{ url: 'file:///etc/passwd' }, 'mcpServers.x.url: expected an http or https URL, got something else.'],
    [
      { url: 'https://me:canary@x.example' },
      'mcpServers.x.url: expected no user or password in the URL. Write it as a header: "headers": { "Authorization": "Bearer …" }.',
    ],
    [
      { url: 'https://x.example', headers: { Host: 'a' } },
      "mcpServers.x.headers.Host: expected a header name that is not the protocol's own as key, got a text of 1 characters.",
    ],
    [
      { url: 'https://x.example', headers: { A: 'canary\r\nB: c' } },
      'mcpServers.x.headers.A: expected a text in one line, got a text of 12 characters.',
    ],
    [
      { url: 'https://x.example', type: 'ws' },
      'mcpServers.x.type: expected one of "streamable-http", "streamableHttp", "http", "sse", got "ws".',
    ],
  ])('[X1] refuses the entry %j', (entry, mistake) => {
    expect(mistakesOfEntry(entry as object)).toEqual([mistake]);
  });

  it('[R8] takes no more servers than MCP_MAX_SERVERS', () => {
    const servers = Object.fromEntries(['a', 'b', 'c', 'd'].map((id) => [id, { command: 'node' }]));
    expect(mistakesOf({ mcpServers: servers })).toEqual([
      '1:15: mcpServers: expected at most 3 servers, got 4. MCP_MAX_SERVERS sets the maximum.',
    ]);
  });

  it('[D03] works with names of Object.prototype and pollutes nothing', () => {
    const config = load(
      '{"mcpServers": {"__proto__": {"command": "node"}, "constructor": {"command": "node", "env": {"__proto__": "1"}}},' +
        '"agents": {"constructor": {"level": "OPERATOR"}}}',
    );
    expect([...config.servers.keys()]).toEqual(['__proto__', 'constructor']);
    expect(config.agents.get('constructor')?.level).toBe('OPERATOR');
    expect(config.agents.get('toString')).toBeUndefined();
    const server = config.servers.get('constructor');
    expect(server?.kind === 'stdio' && Object.entries(server.env)).toEqual([['__proto__', '1']]);
    expect(mistakesOfEntry('{}'.replace('{}', ''), {})).toHaveLength(1);
    expect(mistakesOf('{"mcpServers": {"x": {"command": "node", "__proto__": {"polluted": 1}}}}')).toEqual([
      expect.stringContaining('1:42: mcpServers.x.__proto__: expected a known key, got "__proto__".'),
    ]);
    expect(Reflect.get({}, 'polluted')).toBeUndefined();
  });
});

describe('commands', () => {
  it.each(['sh', 'bash', 'cmd.exe', 'NODE', 'curl'])('[S6] [D01] refuses the command %s', (command) => {
    expect(mistakesOfEntry({ command, args: ['-c', 'touch /tmp/pwn'] })).toEqual([
      'mcpServers.x.command: expected an allowed command (node, npx, uvx, uv, python, python3, docker, bunx, deno, bun, podman), ' +
        `got "${command}". Add it to router.allowedCommands, or write its full path.`,
    ]);
  });

  it('[S6] takes any path that the owner of the file wrote, by the folder of the file', () => {
    const config = load({ mcpServers: { a: { command: '/opt/a' }, b: { command: '../b' }, c: { command: './c d' } } });
    const commands = [...config.servers.values()].map((server) => server.kind === 'stdio' && server.command);
    expect(commands).toEqual(['/opt/a', path.resolve(folder, '../b'), path.join(folder, 'c d')]);
  });

  it('[S6] takes nothing but the list when there is one', () => {
    const router = { allowedCommands: ['node', './tools/run'] };
    expect(mistakesOfEntry({ command: 'node' }, { router })).toEqual([]);
    expect(mistakesOfEntry({ command: 'tools/run' }, { router })).toEqual([]);
    expect(mistakesOfEntry({ command: '/opt/a' }, { router })).toEqual([
      'mcpServers.x.command: expected an allowed command (node, ./tools/run), got "/opt/a". Add it to router.allowedCommands.',
    ]);
  });

  it('[D01] keeps arguments byte for byte', () => {
    const args = ['; touch /tmp/pwn', '$(id)', '`id`', '../../etc/passwd', '--config=/etc/shadow', 'a\nb', '', ' é '];
    const server = load({ mcpServers: { x: { command: 'node', args } } }).servers.get('x');
    expect(server?.kind === 'stdio' && server.args).toEqual(args);
  });

  it("[X1] says that ~ is a shell's", () => {
    expect(mistakesOfEntry({ command: '~/bin/x' })).toEqual([
      'mcpServers.x.command: expected a path, got "~/bin/x", which only a shell understands. Write "${HOME}/bin/x".',
    ]);
  });

  it('[A6] takes for built in only this program serving that id', () => {
    const launcher = path.resolve('router/bin/aivillage.mjs');
    const isBuiltIn = (id: string, entry: object) => load({ mcpServers: { [id]: entry } }).servers.get(id)?.isBuiltIn;
    const args = [launcher, 'serve', 'monitoring'];
    expect(isBuiltIn('monitoring', { command: 'node', args })).toBe(true);
    expect(isBuiltIn('monitoring', { command: 'node', args: [...args, '--stdio'] })).toBe(true);
    expect(isBuiltIn('other', { command: 'node', args })).toBe(false);
    expect(isBuiltIn('monitoring', { command: 'npx', args })).toBe(false);
    expect(isBuiltIn('monitoring', { command: 'node', args: ['./aivillage.mjs', 'serve', 'monitoring'] })).toBe(false);
    expect(isBuiltIn('monitoring', { command: 'node', args: ['--require', 'x', ...args] })).toBe(false);
    expect(isBuiltIn('monitoring', { command: 'node', args, env: { NODE_OPTIONS: '--require x' } })).toBe(false);
    expect(isBuiltIn('monitoring', { url: 'https://x.example' })).toBe(false);
  });

  it('[S6] takes an address of this machine in the file as meant', () => {
    const isAllowed = (entry: object) => {
      const server = load({ mcpServers: { x: entry } }).servers.get('x');
      return server?.kind === 'remote' && server.allowPrivateAddress;
    };
    expect(isAllowed({ url: 'http://127.0.0.1:3000/mcp' })).toBe(true);
    expect(isAllowed({ url: 'http://127.0.0.1:3000/mcp', allowPrivateAddress: false })).toBe(false);
    expect(isAllowed({ url: 'http://10.0.0.1/mcp' })).toBe(false);
    expect(isAllowed({ url: 'http://10.0.0.1/mcp', allowPrivateAddress: true })).toBe(true);
  });
});

describe('placeholders', () => {
  it.each([
    ['${KEY}', 'canary-7d1e'],
    ['a${KEY}b${HOME}', 'acanary-7d1eb/home/sage'],
    ['${env:HOME}', '/home/sage'],
    ['${NONE:-x}', 'x'],
    ['${NONE:-}', ''],
    ['${EMPTY}', ''],
    ['${EMPTY:-x}', 'x'],
    ['$${KEY}', '${KEY}'],
    ['$KEY $ {KEY}', '$KEY $ {KEY}'],
    ['${NONE:-$(id) \\ "q"}', '$(id) \\ "q"'],
  ])('[X1] makes %j to %j', (written, expected) => {
    const server = load({ mcpServers: { x: { command: 'node', args: [written] } } }).servers.get('x');
    expect(server?.kind === 'stdio' && server.args).toEqual([expected]);
  });

  it('[B06] does not look for placeholders in what a variable brings', () => {
    const server = load(
      { mcpServers: { x: { command: 'node', args: ['${A}'] } } },
      { A: '${KEY}', KEY: 'k' },
    ).servers.get('x');
    expect(server?.kind === 'stdio' && server.args).toEqual(['${KEY}']);
  });

  it.each(['command', 'cwd', 'url', 'args', 'env', 'headers'])(
    "[B06] gives the router's secrets to nobody: %s",
    (key) => {
      const kind = key === 'url' || key === 'headers' ? { url: 'https://x.example' } : { command: 'node' };
      for (const name of ['MCP_TOKEN', 'env:MCP_JWT_SECRET_KEY', 'MCP_TOKEN:-x']) {
        const text = `\${${name}}`;
        const value = key === 'args' ? [text] : key === 'env' || key === 'headers' ? { A: text } : text;
        const [mistake, ...more] = mistakesOfEntry({ ...kind, [key]: value });
        expect(more).toEqual([]);
        expect(mistake).toMatch(
          /expected a variable that a server may know, got MCP_\w+, which is the router's own\. Put what/,
        );
        expect(mistake).not.toContain('canary');
      }
    },
  );

  it('[X1] refuses a variable that is not set, and what is no placeholder', () => {
    expect(mistakesOfEntry({ command: 'node', args: ['${HOMEE}', '${NONE}', '${input:key}', '${HOME'] })).toEqual([
      'mcpServers.x.args[0]: expected the variable HOMEE to be set, got nothing. Did you mean HOME? Else set it, or write ${HOMEE:-default}.',
      'mcpServers.x.args[1]: expected the variable NONE to be set, got nothing. Set it, or write ${NONE:-default}.',
      'mcpServers.x.args[2]: expected ${NAME} or ${NAME:-default}, got "${input:key}". Write $${ where the characters themselves are meant.',
      'mcpServers.x.args[3]: expected ${NAME} or ${NAME:-default}, got "${HOME". Write $${ where the characters themselves are meant.',
    ]);
  });

  it('[B06] shows no value of a variable in a mistake', () => {
    for (const entry of [
      { url: '${KEY}' },
      { command: '${KEY}' },
      { command: '${KEY}\0' },
      { command: 'node', cwd: '${KEY}\0' },
      { url: 'https://x.example', headers: { 'a b': '${KEY}' } },
      { command: 'node', args: ['${KEY}\0'] },
    ]) {
      const mistakes = mistakesOfEntry(entry);
      expect(mistakes).toHaveLength(1);
      expect(mistakes[0]).not.toContain('canary');
    }
  });
});

describe('warnings', () => {
  const warningsOf = (text: object) => load(text).warnings.map((warning) => warning.replace(`${file}:`, ''));

  it('[X1] warns of what has no effect', () => {
    expect(
      warningsOf({
        mcpServers: { x: { command: 'node', timeout: 60, isolation: 'session', replicas: 2 } },
        permissions: [{ match: 'y/read', level: 'OPERATOR' }],
      }),
    ).toEqual([
      '1:48: mcpServers.x.timeout: "timeout" is for hosts; here "timeoutMs" holds.',
      '1:84: mcpServers.x.replicas: copies are not shared among sessions with "isolation": "session"; "replicas" has no effect.',
      '1:112: permissions[0].match: no server y stands in this file.',
    ]);
  });

  it('[D01] warns of a file that everyone may write, and takes a link', () => {
    const real = path.join(folder, 'real.json');
    fs.writeFileSync(real, '{"mcpServers":{"x":{"command":"./x"}}}');
    fs.symlinkSync(real, file);
    expect(loadConfig(file, {}).warnings).toEqual([]);
    fs.chmodSync(real, 0o666);
    expect(loadConfig(file, {}).warnings).toEqual([
      `${file}:1:1: everyone may write this file, and so start programs as you: chmod o-w.`,
    ]);
    fs.chmodSync(real, 0o600);
    fs.chmodSync(folder, 0o777);
    expect(loadConfig(file, {}).warnings).toEqual([
      `${file}:1:1: everyone may write this file's folder, and so replace the file: chmod o-w.`,
    ]);
  });
});

describe('any text', () => {
  const key = fc.oneof(
    fc.constantFrom(
      'mcpServers',
      'agents',
      'permissions',
      'router',
      'command',
      'url',
      'args',
      'env',
      'headers',
      '__proto__',
    ),
    fc.string(),
  );
  const value = fc.letrec((tie) => ({
    any: fc.oneof(
      { depthSize: 'small' },
      fc.jsonValue(),
      fc.constant('${X}'),
      fc.array(tie('any')),
      fc.dictionary(key, tie('any')),
    ),
  })).any;

  it('[X1] [D03] gives a config or a ConfigError, whatever JSON the file holds', () => {
    fc.assert(
      fc.property(fc.dictionary(key, value), (content) => {
        const lines = mistakesOf(content);
        for (const line of lines) expect(line).toMatch(/^\d+:\d+: /);
        expect(Reflect.get({}, 'command')).toBeUndefined();
      }),
      { numRuns: 200 },
    );
  });

  it('[X1] gives a config or a ConfigError, whatever bytes the file holds', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: 'binary' }),
          fc
            .array(fc.constantFrom('{', '}', '[', ']', '"', ':', ',', '/*', '//', '\\', '1', 'a', '\n'))
            .map((parts) => parts.join('')),
        ),
        (text) => {
          expect(mistakesOf(text).length).toBeGreaterThan(0);
        },
      ),
      { numRuns: 200 },
    );
  });
});
