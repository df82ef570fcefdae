import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { isLoopback } from '../../../shared/loopback.ts';
import {
  type Environment,
  listSettings,
  printSettings,
  readSettings,
  SECRET_VARIABLES,
  SettingsError,
  twinEnvironment,
} from '../../../shared/settings.ts';

const KEY = 'a-key-of-at-least-thirty-two-bytes';

function mistakesOf(env: Environment): readonly string[] {
  try {
    readSettings(env);
  } catch (error) {
    if (error instanceof SettingsError) return error.mistakes;
    throw error;
  }
  return [];
}

describe('readSettings', () => {
  it('[X1] gives every setting its default from an empty environment', () => {
    const { dataDir, checkpointDir, ...settings } = readSettings({});
    expect(path.basename(dataDir)).toBe('aivillage');
    expect(checkpointDir).toBe(`${dataDir}-checkpoints`);
    expect(settings).toEqual({
      host: '127.0.0.1',
      port: 8083,
      tls: undefined,
      allowedHosts: [],
      allowedOrigins: [],
      configFile: undefined,
      jwtSecret: undefined,
      jwks: undefined,
      jwtIssuer: 'aivillage',
      jwtAudience: 'aivillage',
      token: undefined,
      logLevel: 'info',
      defaultTimeoutMs: 60_000,
      maxTimeoutMs: 600_000,
      maxServers: 100,
      maxMessageBytes: 10_420_224,
      maxResultBytes: 67_108_864,
      maxTokens: 128_000,
      hyperragFolders: [],
      peers: {
        listen: ['/ip4/127.0.0.1/tcp/0', '/ip4/127.0.0.1/udp/0/quic-v1'],
        bootstrap: [],
        networkKey: undefined,
        mdns: true,
        circuits: { relay: true, mixingMs: 5, coverPerSecond: 0, operator: undefined },
      },
      twin: {
        passphrase: undefined,
        keyFile: path.join(`${dataDir}-keys`, 'twin-key'),
        usesKeychain: false,
        minPeople: 5,
        epsilon: 0.5,
        epsilonBudget: 5,
      },
      fogListen: '/ip4/127.0.0.1/tcp/0',
      modelEndpoint: undefined,
      hyperragMaxPassages: 200_000,
      hyperragEmbedder: undefined,
      healthCheckIntervalMs: 30_000,
      auditRetentionDays: 90,
      auditDurability: 'normal',
      heartbeatIntervalMs: 30_000,
      connectionTimeoutMs: 86_400_000,
      sessionTimeoutMs: 1_800_000,
      emergencyStopTimeoutMs: 5_000,
      warnings: [],
    });
  });

  it('[T1] [T6] hands the settings of the twins on as they are', () => {
    const env = {
      TWIN_PASSPHRASE: 'correct horse battery',
      TWIN_EPSILON: '0.25',
      TWIN_KEYCHAIN: '1',
      TWIN_KEY_FILE: '/k',
    };
    const { twin } = readSettings(env);
    expect(twin).toMatchObject({ passphrase: env.TWIN_PASSPHRASE, epsilon: 0.25, usesKeychain: true });
    expect(readSettings(twinEnvironment(readSettings(env))).twin).toEqual(twin);
    const wrong = { TWIN_PASSPHRASE: 'too short', TWIN_MIN_PEOPLE: '4', TWIN_EPSILON: '0' };
    expect(() => readSettings(wrong)).toThrow(/TWIN_PASSPHRASE: .*\n.*TWIN_MIN_PEOPLE: .*\n.*TWIN_EPSILON: /);
    expect(() => readSettings(wrong)).not.toThrow(/too short/);
  });

  it('[J2] takes a model endpoint with its key and its usual model', () => {
    const env = { FORGE_MODEL_URL: 'http://127.0.0.1:1234/v1', FORGE_MODEL_KEY: 'k', FORGE_MODEL_NAME: 'small' };
    expect(readSettings(env).modelEndpoint).toEqual({ url: env.FORGE_MODEL_URL, apiKey: 'k', model: 'small' });
    for (const bad of [
      'https://user:secret@example.org/v1',
      'file:///etc/passwd',
      'https://example.org/v1?key=secret',
    ]) {
      expect(() => readSettings({ FORGE_MODEL_URL: bad })).toThrow(/FORGE_MODEL_URL/);
    }
  });

  it('[X4] makes every path whole, so that children in other folders mean the same one', () => {
    const settings = readSettings({ AIVILLAGE_DATA_DIR: 'data', AIVILLAGE_CONFIG: './servers.json' });
    expect(settings.dataDir).toBe(path.resolve('data'));
    expect(settings.configFile).toBe(path.resolve('servers.json'));
  });

  it('[X1] takes an empty variable for one that is not set', () => {
    expect(readSettings({ MCP_PORT: '', MCP_TOKEN: '  ' })).toMatchObject({ port: 8083, token: undefined });
  });

  it.each([
    ['MCP_HOST', 'not a host', 'MCP_HOST: expected an IP address or a host name, got "not a host".'],
    [
      'FORGE_MODEL_URL',
      'http://models.example.org/v1',
      'FORGE_MODEL_URL: expected an https URL (http on this machine only), up to and with /v1, got "http://models.example.org/v1".',
    ],
    ['MCP_PORT', '65536', 'MCP_PORT: expected a port from 0 to 65535, got "65536".'],
    ['MCP_PORT', '8e3', 'MCP_PORT: expected a port from 0 to 65535, got "8e3".'],
    ['MCP_PORT', '-1', 'MCP_PORT: expected a port from 0 to 65535, got "-1".'],
    [
      'MCP_LOG_LEVEL',
      'loud',
      'MCP_LOG_LEVEL: expected one of trace, debug, info, warn, error, fatal, silent, got "loud".',
    ],
    ['MCP_DEFAULT_TIMEOUT', '0', 'MCP_DEFAULT_TIMEOUT: expected a whole number of seconds from 1 to 86400, got "0".'],
    ['MCP_DEFAULT_TIMEOUT', '700', 'MCP_DEFAULT_TIMEOUT: expected at most MCP_MAX_TIMEOUT (600), got 700.'],
    [
      'MCP_MAX_MESSAGE_BYTES',
      '16MB',
      'MCP_MAX_MESSAGE_BYTES: expected a whole number of bytes from 1024 to 536870912, got "16MB".',
    ],
    ['MCP_AUDIT_DURABILITY', 'paranoid', 'MCP_AUDIT_DURABILITY: expected normal or strict, got "paranoid".'],
    [
      'MCP_TLS_CERT',
      'cert.pem',
      'MCP_TLS_KEY: expected a path, because MCP_TLS_CERT is set, got nothing. Set both or none.',
    ],
    [
      'MCP_ALLOWED_ORIGINS',
      'https://a.example/path',
      'MCP_ALLOWED_ORIGINS: expected origins such as https://example.org, separated by commas, got "https://a.example/path".',
    ],
    [
      'MCP_ALLOWED_HOSTS',
      'a b',
      'MCP_ALLOWED_HOSTS: expected host names, each with an optional port, separated by commas, got "a b".',
    ],
    ['AIVILLAGE_DATA_DIR', 'a\nb', 'AIVILLAGE_DATA_DIR: expected a path, got "a\\nb".'],
  ])('[X1] refuses %s=%s with what was expected', (name, value, message) => {
    expect(mistakesOf({ [name]: value })).toEqual([message]);
  });

  it('[X1] tells all mistakes together', () => {
    const mistakes = mistakesOf({ MCP_PORT: 'x', MCP_HOST: '0.0.0.0', MCP_TLS_KEY: 'k', MCP_LOG_LEVEL: 'y' });
    expect(mistakes.map((mistake) => mistake.split(':')[0])).toEqual([
      'MCP_PORT',
      'MCP_LOG_LEVEL',
      'MCP_TLS_CERT',
      'MCP_HOST',
    ]);
  });

  it('[A1] refuses a key under 32 bytes without showing it', () => {
    const [mistake] = mistakesOf({ MCP_JWT_SECRET_KEY: 'only-31-bytes-long-this-key-is!' });
    expect(mistake).toBe(
      'MCP_JWT_SECRET_KEY: expected at least 32 bytes, got a text of 31 characters. Make one with: openssl rand -base64 48',
    );
    expect(readSettings({ MCP_JWT_SECRET_KEY: KEY }).jwtSecret).toBe(KEY);
    expect(readSettings({ MCP_JWT_SECRET_KEY: 'é'.repeat(16) }).jwtSecret).toHaveLength(16);
  });

  it.each([
    ['keys.json', { kind: 'file', file: path.resolve('keys.json') }],
    ['https://issuer.example/jwks', { kind: 'url', url: 'https://issuer.example/jwks' }],
    ['http://127.0.0.1:9/jwks', { kind: 'url', url: 'http://127.0.0.1:9/jwks' }],
  ])('[A1] takes %s as a place of keys', (value, source) => {
    expect(readSettings({ MCP_JWT_JWKS: value }).jwks).toEqual(source);
  });

  it.each(['http://issuer.example/jwks', 'https://me:hush@issuer.example/jwks', 'gopher://x'])(
    '[A1] refuses keys from %s and shows no part of it',
    (value) => {
      const [mistake] = mistakesOf({ MCP_JWT_JWKS: value });
      expect(mistake).toContain('MCP_JWT_JWKS: expected a file, or an https URL');
      expect(mistake).not.toContain('issuer');
      expect(mistake).not.toContain('hush');
    },
  );

  it.each(['0.0.0.0', '::', '192.168.1.4', 'village.example'])('[S7] does not listen on %s without TLS', (host) => {
    expect(mistakesOf({ MCP_HOST: host })).toEqual([
      `MCP_HOST: expected an address of this machine only, such as 127.0.0.1, got "${host}". ` +
        'Without TLS, tokens could be read on the way. ' +
        'Set MCP_TLS_CERT and MCP_TLS_KEY, or MCP_ALLOW_INSECURE_BIND=1 when something in front does TLS.',
    ]);
    expect(mistakesOf({ MCP_HOST: host, MCP_ALLOW_INSECURE_BIND: '1' })).toEqual([]);
    expect(readSettings({ MCP_HOST: host, MCP_TLS_CERT: '/c', MCP_TLS_KEY: '/k' }).tls).toEqual({
      certFile: path.resolve('/c'),
      keyFile: path.resolve('/k'),
    });
  });

  it.each([
    ['127.0.0.1', true],
    ['127.9.9.9', true],
    ['[::1]', true],
    ['LOCALHOST', true],
    ['127.0.0.1.evil.example', false],
    ['128.0.0.1', false],
    ['0.0.0.0', false],
  ])('[S7] says of %s whether only this machine reaches it: %s', (host, expected) => {
    expect(isLoopback(host)).toBe(expected);
  });

  it('[X1] warns of a name that is nearly a setting, and not of other programs', () => {
    expect(readSettings({ MCP_LOGLEVEL: 'info', MCP_INSPECTOR_URL: 'x', PATH: '/bin' }).warnings).toEqual([
      '"MCP_LOGLEVEL" is no setting; did you mean MCP_LOG_LEVEL?',
    ]);
  });

  it('[D2] warns when the second place of the checkpoints lies in the first', () => {
    const { warnings } = readSettings({ AIVILLAGE_DATA_DIR: '/d', AIVILLAGE_CHECKPOINT_DIR: '/d/checkpoints' });
    expect(warnings).toEqual([expect.stringContaining('AIVILLAGE_CHECKPOINT_DIR lies in the data folder')]);
  });

  it('[H9] reads the embedder: an endpoint by TLS or on this machine, or a folder', () => {
    const env = { HYPERRAG_EMBEDDER: 'openai:https://models.example/v1#small-3', HYPERRAG_EMBEDDER_KEY: 'sk' };
    const read = readSettings(env).hyperragEmbedder;
    expect(read).toEqual({ kind: 'openai', url: 'https://models.example/v1', model: 'small-3', key: 'sk' });
    const local = readSettings({ HYPERRAG_EMBEDDER: 'openai:http://127.0.0.1:11434/v1#a:b' }).hyperragEmbedder;
    expect(local).toMatchObject({ url: 'http://127.0.0.1:11434/v1', model: 'a:b' });
    expect(readSettings({ HYPERRAG_EMBEDDER: 'onnx:/models/e5' }).hyperragEmbedder).toMatchObject({
      kind: 'onnx',
      folder: '/models/e5',
    });
  });

  it.each([
    'small',
    'openai:http://models.example/v1#m',
    'openai:https://me:x@a.example/v1#m',
    'openai:https://a.example',
    'onnx:',
  ])('[H9] refuses %s as an embedder with what was expected', (text) => {
    expect(mistakesOf({ HYPERRAG_EMBEDDER: text })).toEqual([expect.stringContaining('expected openai:URL#MODEL')]);
  });

  it('[B06] knows which variables are secrets', () => {
    expect([...SECRET_VARIABLES]).toEqual([
      'MCP_JWT_SECRET_KEY',
      'AIVILLAGE_ROUTER_TOKEN',
      'MCP_TOKEN',
      'P2P_NETWORK_KEY',
      'FORGE_MODEL_KEY',
      'HYPERRAG_EMBEDDER_KEY',
      'TWIN_PASSPHRASE',
    ]);
  });
});

describe('the table of settings', () => {
  it('[X1] has a default and a meaning for every variable', () => {
    for (const row of listSettings())
      expect(row).toEqual({
        name: expect.any(String),
        default: expect.stringMatching(/./),
        meaning: expect.stringMatching(/.{8}/),
      });
    expect(printSettings()).toContain('| `MCP_PORT` | 8083 | Port to listen on; 0 takes any free one |');
  });

  it.each([
    ['P2P_LISTEN', '/ip4/0.0.0.0/tcp/4001/ws'],
    ['P2P_LISTEN', '/ip4/300.0.0.1/tcp/1'],
    ['P2P_BOOTSTRAP', 'example.org:4001'],
    ['P2P_NETWORK_KEY', 'abc'],
    ['P2P_MDNS', 'perhaps'],
  ])('[N1] refuses %s=%s with its name, and shows no key', (name, value) => {
    const [mistake, ...more] = mistakesOf({ [name]: value });
    expect(mistake).toMatch(`${name}: expected`);
    expect(more).toEqual([]);
    if (name === 'P2P_NETWORK_KEY') expect(mistake).not.toContain(value);
  });

  it('[N1] reads how peers are met', () => {
    const { peers } = readSettings({
      P2P_LISTEN: '/ip4/0.0.0.0/tcp/4001, /ip6/::/udp/4001/quic-v1',
      P2P_BOOTSTRAP: '/dns4/peer.example/tcp/4001',
      P2P_NETWORK_KEY: '0f'.repeat(32),
      P2P_MDNS: '0',
    });
    expect(peers).toMatchObject({
      listen: ['/ip4/0.0.0.0/tcp/4001', '/ip6/::/udp/4001/quic-v1'],
      bootstrap: ['/dns4/peer.example/tcp/4001'],
      networkKey: new Uint8Array(32).fill(15),
      mdns: false,
    });
  });
});
