/**
 * The one table of the environment variables that are settings; the README's table is printed from it.
 * Knows their shapes, not where they come from.
 */
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { expecting } from './expecting.ts';
import { isLoopback } from './loopback.ts';
import { listenParts } from './p2p/listen.ts';

const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Where public keys of other issuers come from (RFC 7517). */
export type JwksSource =
  | { readonly kind: 'file'; readonly file: string }
  | { readonly kind: 'url'; readonly url: string };

/** What makes HyperRAG's vectors. */
export type EmbedderSetting =
  | { readonly kind: 'openai'; readonly url: string; readonly model: string }
  | { readonly kind: 'onnx'; readonly folder: string };

const MIN_SECRET_BYTES = 32;

function whole(what: string, min: number, max: number) {
  const schema = z
    .string()
    .regex(/^\d{1,15}$/)
    .transform(Number)
    .pipe(z.number().min(min).max(max));
  return expecting(`a ${what} from ${min} to ${max}`, schema);
}

function decimal(what: string, min: number, max: number) {
  const schema = z
    .string()
    .regex(/^\d{1,6}(?:\.\d{1,6})?$/)
    .transform(Number)
    .pipe(z.number().min(min).max(max));
  return expecting(`a ${what} from ${min} to ${max}`, schema);
}

const filePath = expecting('a path', z.string().max(4096).refine(hasNoControl).transform(resolvePath));

function list(expected: string, isItem: (item: string) => boolean) {
  const schema = z
    .string()
    .max(8192)
    .transform((text) => text.split(',').map((item) => item.trim()))
    .transform((items) => items.filter((item) => item !== ''))
    .refine((items) => items.length <= 100 && items.every(isItem));
  return expecting(`${expected}, separated by commas`, schema);
}

/**
 * The table of settings: name, shape, default (`default` in the meta where it is worked out later) and meaning.
 * `secret`: the value must never be shown, logged or handed to a server. `mayHoldSecret`: never shown.
 */
export const VARIABLES = z.object({
  MCP_HOST: expecting('an IP address or a host name', z.string().max(253).refine(isHost))
    .default('127.0.0.1')
    .meta({ meaning: 'Address to listen on' }),
  MCP_PORT: whole('port', 0, 65_535).default(8083).meta({ meaning: 'Port to listen on; 0 takes any free one' }),
  AIVILLAGE_DATA_DIR: filePath.optional().meta({
    meaning: 'Folder of the databases, keys and logs; owner-only',
    default: "the platform's folder for application data, `aivillage`",
  }),
  AIVILLAGE_CONFIG: filePath.optional().meta({
    meaning: 'Configuration file',
    default: '`mcp-servers.json` in the data folder where there is one, else the one that came with the program',
  }),
  AIVILLAGE_CHECKPOINT_DIR: filePath.optional().meta({
    meaning: 'Second place of the audit checkpoints; best on another disk',
    default: '`<data folder>-checkpoints`',
  }),
  MCP_JWT_SECRET_KEY: expecting(
    `at least ${MIN_SECRET_BYTES} bytes`,
    z
      .string()
      .max(4096)
      .refine((text) => Buffer.byteLength(text) >= MIN_SECRET_BYTES),
    'Make one with: openssl rand -base64 48',
  )
    .optional()
    .meta({
      meaning: 'Key of HS256 tokens, at least 32 bytes',
      default: 'one made at first start, kept in the data folder',
      secret: true,
    }),
  MCP_JWT_JWKS: expecting('a file, or an https URL (http on this machine only)', z.string().max(4096).transform(toJwks))
    .optional()
    .meta({ meaning: 'Public keys (JWKS) of EdDSA, ES256 and RS256 tokens: a file or a URL', mayHoldSecret: true }),
  MCP_JWT_ISSUER: expecting('a text of 1 to 512 characters', z.string().min(1).max(512))
    .default('aivillage')
    .meta({ meaning: '`iss` that tokens must have' }),
  MCP_JWT_AUDIENCE: expecting('a text of 1 to 512 characters', z.string().min(1).max(512))
    .default('aivillage')
    .meta({ meaning: '`aud` that tokens must have' }),
  AIVILLAGE_ASSERTION_KEY: expecting('43 characters of base64url', z.string().regex(/^[\w-]{43}$/))
    .optional()
    .meta({
      meaning: 'Set by the router for the servers that it starts: the key that verifies its assertions',
      default: '–',
    }),
  AIVILLAGE_ROUTER_URL: expecting(
    'an http address of this machine',
    z
      .string()
      .max(200)
      .regex(/^http:\/\/127\.0\.0\.1:\d{1,5}\/mcp$/),
  )
    .optional()
    .meta({
      meaning: 'Set by the router for those of its servers that are its clients: where it listens for them',
      default: '–',
    }),
  AIVILLAGE_ROUTER_TOKEN: expecting('one token without spaces', z.string().max(512).regex(/^\S+$/))
    .optional()
    .meta({ meaning: 'Set by the router beside it: who the server is', default: '–', secret: true }),
  MCP_TOKEN: expecting('one token without spaces', z.string().max(16_384).regex(/^\S+$/))
    .optional()
    .meta({ meaning: 'Token of the caller behind stdio, and of the command line', secret: true }),
  MCP_LOG_LEVEL: expecting(`one of ${LOG_LEVELS.join(', ')}`, z.enum(LOG_LEVELS))
    .default('info')
    .meta({ meaning: `Least level that is logged: ${LOG_LEVELS.join(', ')}` }),
  MCP_DEFAULT_TIMEOUT: whole('whole number of seconds', 1, 86_400)
    .default(60)
    .meta({ meaning: 'Seconds a call may take' }),
  MCP_MAX_TIMEOUT: whole('whole number of seconds', 1, 86_400)
    .default(600)
    .meta({ meaning: 'Seconds after which a call ends, whatever its progress says' }),
  MCP_MAX_SERVERS: whole('whole number of servers', 1, 10_000)
    .default(100)
    .meta({ meaning: 'Servers in the configuration' }),
  // A stdio server on the SDK ends itself when a message is over 10 MiB, with what we add to it: no single call may do that.
  MCP_MAX_MESSAGE_BYTES: whole('whole number of bytes', 1024, 2 ** 29)
    .default(10 * 2 ** 20 - 2 ** 16)
    .meta({ meaning: 'Bytes of one message from a client' }),
  MCP_MAX_RESULT_BYTES: whole('whole number of bytes', 1024, 2 ** 29)
    .default(64 * 2 ** 20)
    .meta({ meaning: 'Bytes of one message from a server' }),
  MCP_MAX_TOKENS: whole('whole number of tokens', 1_000, 100_000_000)
    .default(128_000)
    .meta({ meaning: 'Tokens that one context of HyperRAG may hold' }),
  HYPERRAG_FOLDERS: list('paths', hasNoControl)
    .transform((paths) => paths.map(resolvePath))
    .default([])
    .meta({ meaning: 'Folders that HyperRAG may ingest files from, separated by commas' }),
  FOG_LISTEN: expecting(
    'a TCP multiaddr such as /ip4/127.0.0.1/tcp/0',
    z
      .string()
      .max(200)
      .regex(/^\/ip[46]\/[0-9a-fA-F.:]{2,45}\/tcp\/\d{1,5}$/),
  )
    .default('/ip4/127.0.0.1/tcp/0')
    .meta({ meaning: 'Where fog nodes reach the fog server; port 0 takes the last one again, or any free one' }),
  P2P_LISTEN: list('multiaddrs /ip4/ADDRESS/tcp/PORT or /ip4/ADDRESS/udp/PORT/quic-v1 (also ip6)', isListenAddress)
    .default(['/ip4/127.0.0.1/tcp/0', '/ip4/127.0.0.1/udp/0/quic-v1'])
    .meta({
      meaning: 'Where the peer-to-peer node listens, separated by commas; port 0 takes a free one and keeps it',
      default: '`/ip4/127.0.0.1/tcp/0,/ip4/127.0.0.1/udp/0/quic-v1`: this machine only',
    }),
  P2P_BOOTSTRAP: list('multiaddrs', (item) => /^\/(ip4|ip6|dns|dns4|dns6|dnsaddr)\/[\w.:/-]{1,400}$/.test(item))
    .default([])
    .meta({
      meaning: 'Multiaddrs of peers to stay connected to, separated by commas (`npx aivillage p2p address` prints one)',
    }),
  P2P_NETWORK_KEY: expecting(
    '64 hexadecimal digits',
    z
      .string()
      .regex(/^[0-9a-fA-F]{64}$/)
      .transform((text) => new Uint8Array(Buffer.from(text, 'hex'))),
    'Make one with: openssl rand -hex 32',
  )
    .optional()
    .meta({
      meaning: 'Makes the peers a private network: only who has the same key can connect (TCP only)',
      secret: true,
    }),
  P2P_MDNS: expecting('0 or 1', z.enum(['0', '1', 'false', 'true']))
    .transform((text) => text === '1' || text === 'true')
    .default(true)
    .meta({ meaning: 'Finds peers on the local network by multicast; 0 turns it off', default: '1' }),
  BETANET_RELAY: expecting('0 or 1', z.enum(['0', '1', 'false', 'true']))
    .transform((text) => text === '1' || text === 'true')
    .default(true)
    .meta({ meaning: 'Carries circuits of other peers; 0 turns it off', default: '1' }),
  BETANET_MIXING_MS: whole('whole number of milliseconds', 0, 60_000)
    .default(5)
    .meta({ meaning: 'Mean of the random time that a cell of a circuit waits here; longer hides better; 0: none' }),
  BETANET_COVER_PER_SECOND: whole('whole number', 0, 1_000)
    .default(0)
    .meta({ meaning: 'Cells that mean nothing, sent on each own circuit each second; 0: none' }),
  BETANET_OPERATOR: expecting('1 to 64 letters, digits, dots and hyphens', z.string().regex(/^[\w.-]{1,64}$/))
    .optional()
    .meta({ meaning: 'Who runs this relay: nobody takes two relays of one operator where others are there' }),
  FORGE_MODEL_URL: expecting(
    'an https URL (http on this machine only), up to and with /v1',
    z.string().max(2_000).refine(isSafeUrl),
  )
    .optional()
    .meta({
      meaning: 'OpenAI-compatible server that model_chat asks when the client offers no sampling',
      default: '–',
    }),
  FORGE_MODEL_KEY: expecting('one key without spaces', z.string().max(4_096).regex(/^\S+$/))
    .optional()
    .meta({ meaning: 'Key of that server', default: '–', secret: true }),
  FORGE_MODEL_NAME: expecting('a text of 1 to 300 characters', z.string().min(1).max(300))
    .optional()
    .meta({ meaning: 'Model that is asked when the caller names none', default: '–' }),
  HYPERRAG_MAX_PASSAGES: whole('whole number of passages', 1, 10_000_000)
    .default(200_000)
    .meta({ meaning: 'Passages of about 1,200 characters that one agent may have in a namespace of HyperRAG' }),
  HYPERRAG_EMBEDDER: expecting(
    'openai:URL#MODEL with an https URL or one of this machine, or onnx:FOLDER',
    z
      .string()
      .max(2_048)
      .transform((text, context): EmbedderSetting => {
        const embedder = readEmbedder(text);
        if (embedder) return embedder;
        context.addIssue({ code: 'custom' });
        return z.NEVER;
      }),
  )
    .optional()
    .meta({
      meaning: "What makes HyperRAG's vectors: `openai:URL#MODEL` (OpenAI-compatible) or `onnx:FOLDER`; else built in",
      default: '–',
    }),
  HYPERRAG_EMBEDDER_KEY: expecting('one key without spaces', z.string().max(4_096).regex(/^\S+$/))
    .optional()
    .meta({ meaning: 'Key for the endpoint of HYPERRAG_EMBEDDER', default: '–', secret: true }),
  MONITORING_FOLDERS: list('paths', hasNoControl)
    .transform((paths) => paths.map(resolvePath))
    .default([])
    .meta({ meaning: 'Folders whose sound files monitoring may analyse, separated by commas' }),
  MONITORING_ALLOW_PRIVATE_WEBHOOKS: expecting('0 or 1', z.enum(['0', '1', 'false', 'true']))
    .transform((text) => text === '1' || text === 'true')
    .default(false)
    .meta({ meaning: '1 lets webhooks of alerts and events go to this machine and to private networks' }),
  OTEL_EXPORTER_OTLP_ENDPOINT: expecting(
    'an http or https URL',
    z
      .string()
      .max(2_048)
      .refine((text) => /^https?:$/.test(URL.parse(text)?.protocol ?? '')),
  )
    .optional()
    .meta({ meaning: 'Collector of OpenTelemetry traces (OTLP over HTTP, `/v1/traces` is added)', default: '–' }),
  TWIN_PASSPHRASE: expecting('at least 12 characters', z.string().min(12).max(1024))
    .optional()
    .meta({ meaning: 'Locks the twins instead of a key file; without it they cannot be read', secret: true }),
  TWIN_KEY_FILE: filePath.optional().meta({
    meaning: 'Key of the twins; made at first use with rights 600, never in the data folder',
    default: '`<data folder>-keys/twin-key`',
  }),
  TWIN_KEYCHAIN: expecting('0 or 1', z.enum(['0', '1', 'false', 'true']))
    .transform((text) => text === '1' || text === 'true')
    .default(false)
    .meta({ meaning: "1 keeps the key of the twins in the system's keychain (needs secret-tool) instead of a file" }),
  TWIN_MIN_PEOPLE: whole('whole number of people', 5, 1_000_000)
    .default(5)
    .meta({ meaning: 'People that a pattern about people must be true of before it is made known' }),
  TWIN_EPSILON: decimal('number', 0.01, 2)
    .default(0.5)
    .meta({ meaning: 'Noise on a count of people: ε of the discrete Laplace distribution; less is more private' }),
  TWIN_EPSILON_BUDGET: decimal('number', 0.01, 50)
    .default(5)
    .meta({ meaning: 'ε that all counts of a year may cost one person; who has spent it is not counted' }),
  MCP_HEALTH_CHECK_INTERVAL: whole('whole number of seconds', 1, 86_400)
    .default(30)
    .meta({ meaning: 'Seconds between two health checks of a server' }),
  MCP_AUDIT_LOG_RETENTION: whole('whole number of days', 1, 36_500)
    .default(90)
    .meta({ meaning: 'Days that audit records are kept' }),
  MCP_AUDIT_DURABILITY: expecting('normal or strict', z.enum(['normal', 'strict']))
    .default('normal')
    .meta({ meaning: '`normal`: records survive the end of the process; `strict`: also power loss' }),
  MCP_HEARTBEAT_INTERVAL: whole('whole number of seconds', 1, 3600)
    .default(30)
    .meta({ meaning: 'Seconds between two heartbeats on an open stream' }),
  MCP_CONNECTION_TIMEOUT: whole('whole number of seconds', 1, 2_000_000).default(86_400).meta({
    meaning: 'Seconds after which an unused connection is closed: a WebSocket, or one to a server that is not ours',
  }),
  MCP_SESSION_TIMEOUT: whole('whole number of seconds', 1, 2_000_000)
    .default(1800)
    .meta({ meaning: 'Seconds after which an idle session ends' }),
  MCP_EMERGENCY_STOP_TIMEOUT: whole('whole number of seconds', 0, 300)
    .default(5)
    .meta({ meaning: 'Seconds from an emergency stop until processes are killed' }),
  MCP_TLS_CERT: filePath.optional().meta({ meaning: 'Certificate file (PEM); with MCP_TLS_KEY' }),
  MCP_TLS_KEY: filePath.optional().meta({ meaning: 'Private key file (PEM); with MCP_TLS_CERT' }),
  MCP_ALLOW_INSECURE_BIND: expecting('0 or 1', z.enum(['0', '1', 'false', 'true']))
    .transform((text) => text === '1' || text === 'true')
    .default(false)
    .meta({ meaning: '1 allows an address beyond this machine without TLS: tokens are then readable on the way' }),
  MCP_ALLOWED_HOSTS: list('host names, each with an optional port', (item) => /^[A-Za-z0-9.[\]:_-]{1,260}$/.test(item))
    .default([])
    .meta({ meaning: 'Further values of `Host` that are accepted, separated by commas' }),
  MCP_ALLOWED_ORIGINS: list('origins such as https://example.org', isOrigin)
    .default([])
    .meta({ meaning: 'Further values of `Origin` that are accepted, separated by commas' }),
});

export type Variables = z.output<typeof VARIABLES>;
export type VariableName = keyof Variables;

function resolvePath(text: string): string {
  return path.resolve(text === '~' || /^~[/\\]/.test(text) ? path.join(os.homedir(), text.slice(1)) : text);
}

/** undefined when it is none. Texts go to an address of this machine or by TLS. */
function readEmbedder(text: string): EmbedderSetting | undefined {
  if (text.startsWith('onnx:')) {
    const folder = text.slice('onnx:'.length);
    return folder !== '' && hasNoControl(folder) ? { kind: 'onnx', folder: resolvePath(folder) } : undefined;
  }
  const [, url = '', model = ''] = /^openai:([^#\s]{1,1500})#([^#\s]{1,300})$/.exec(text) ?? [];
  if (!URL.canParse(url)) return undefined;
  const { protocol, hostname, username, search } = new URL(url);
  const isSafe = protocol === 'https:' || (protocol === 'http:' && isLoopback(hostname));
  return isSafe && username === '' && search === '' ? { kind: 'openai', url, model } : undefined;
}

function toJwks(text: string, context: z.RefinementCtx): JwksSource {
  if (!/^[a-z][a-z0-9+.-]+:/i.test(text) || /^[a-z]:[\\/]/i.test(text))
    return { kind: 'file', file: resolvePath(text) };
  if (URL.canParse(text)) {
    const url = new URL(text);
    if (url.protocol === 'file:' && url.host === '') return { kind: 'file', file: fileURLToPath(url) };
    const isSafe = url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url.hostname));
    if (isSafe && url.username === '' && url.password === '') return { kind: 'url', url: url.href };
  }
  context.issues.push({ code: 'custom', message: 'a JWKS place', input: text });
  return z.NEVER;
}

/** A secret sent there can be read by nobody on the way. */
function isSafeUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname, username, password, search, hash } = new URL(text);
  const isPlain = username === '' && password === '' && search === '' && hash === '';
  return isPlain && (protocol === 'https:' || (protocol === 'http:' && isLoopback(hostname)));
}

/** An IP address or a host name, without port or brackets. */
export function isHost(text: string): boolean {
  return net.isIP(text) !== 0 || /^(?!-)[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})*$/.test(text);
}

function isOrigin(text: string): boolean {
  return /^https?:\/\//.test(text) && URL.canParse(text) && new URL(text).origin === text;
}

function isListenAddress(text: string): boolean {
  return listenParts(text) !== undefined;
}

function hasNoControl(text: string): boolean {
  return !/\p{Cc}/u.test(text);
}
