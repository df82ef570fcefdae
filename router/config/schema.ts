/**
 * The shapes inside mcp-servers.json, each part with the words for what it must be. Ours is strict; keys of hosts are let
 * through by name. Knows no file, no environment and no other entry.
 */
import { z } from 'zod';
import { expecting } from '../../shared/expecting.ts';
import { LEVEL_NAMES } from '../../shared/identity/levels.ts';

/** An object with no other keys than these; `known` of an issue's params lists them for "did you mean". */
function closed<S extends z.ZodRawShape>(shape: S) {
  const object = z.object(shape);
  return z.unknown().transform((value, context): z.output<typeof object> => {
    if (!isObject(value)) {
      context.issues.push({ code: 'custom', message: 'an object', input: value });
      return z.NEVER;
    }
    for (const key of Object.keys(value)) {
      if (Object.hasOwn(shape, key)) continue;
      const params = { unknownKey: true, known: Object.keys(shape) };
      context.issues.push({ code: 'custom', message: 'a known key', path: [key], input: value, params });
    }
    const parsed = object.safeParse(
      Object.fromEntries(Object.entries(value).filter(([key]) => Object.hasOwn(shape, key))),
    );
    if (parsed.success) return parsed.data;
    for (const { path, message, ...issue } of parsed.error.issues) {
      const params = issue.code === 'custom' ? issue.params : undefined;
      context.issues.push({ code: 'custom', message, path: [...path], input: undefined, ...(params && { params }) });
    }
    return z.NEVER;
  });
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function oneOf<const T extends readonly string[]>(names: T) {
  return expecting(`one of ${names.map((name) => `"${name}"`).join(', ')}`, z.enum(names));
}

function whole(unit: string, min: number, max: number) {
  return expecting(`a whole number${unit} from ${min} to ${max}`, z.number().int().min(min).max(max));
}

function text(max: number) {
  return expecting(`a text of 1 to ${max} characters`, z.string().min(1).max(max).refine(hasNoNul));
}

function texts(most: number, max: number) {
  const error = `a list of at most ${most} texts`;
  return z
    .array(expecting(`a text of at most ${max} characters`, z.string().max(max).refine(hasNoNul)), { error })
    .max(most, { error });
}

function hasNoNul(value: string): boolean {
  return !value.includes('\0');
}

const yesOrNo = expecting('true or false', z.boolean());

/** Names → texts; the keys are as written, `__proto__` among them. */
function named(what: string, key: RegExp, value: RegExp, most: number) {
  const isValue = (item: unknown): item is string =>
    typeof item === 'string' && item.length <= 32_768 && value.test(item);
  return z.unknown().transform((entries, context): Readonly<Record<string, string>> => {
    const pairs = isObject(entries) ? Object.entries(entries) : [];
    if (!isObject(entries) || pairs.length > most) {
      context.issues.push({
        code: 'custom',
        message: `an object of at most ${most} ${what}s and texts`,
        input: entries,
      });
      return z.NEVER;
    }
    const kept: [string, string][] = [];
    for (const [name, item] of pairs) {
      const expected = !key.test(name) ? `a ${what} as key` : !isValue(item) ? 'a text in one line' : undefined;
      if (expected !== undefined) context.issues.push({ code: 'custom', message: expected, path: [name], input: item });
      else if (isValue(item)) kept.push([name, item]);
    }
    return Object.fromEntries(kept);
  });
}

/** Names that are the connection's or the protocol's own (RFC 9110, MCP Streamable HTTP). */
const OWN_HEADERS =
  'host|connection|content-length|content-type|transfer-encoding|keep-alive|upgrade|te|trailer|accept|mcp-.*|last-event-id';
const HEADER_NAME = new RegExp(`^(?!(?:${OWN_HEADERS})$)[\\w!#$%&'*+.^\`|~-]{1,256}$`, 'i');
const headers = named("header name that is not the protocol's own", HEADER_NAME, /^[\t\x20-\x7e\x80-\xff]*$/, 100);
const variables = named('variable name', /^[^=\0]{1,256}$/, /^[^\0]*$/, 256);

const rate = closed({ perMinute: whole(' of calls', 1, 1_000_000) });

const sandbox = closed({
  /** Whether it reaches any network, this machine's own addresses included. */
  network: yesOrNo.default(false),
  /** Files and folders beyond the system's, the command's and `cwd`. */
  readable: texts(100, 4096).default([]),
  writable: texts(100, 4096).default([]),
});
export type SandboxFolders = Readonly<z.output<typeof sandbox>>;

const securityProfile = closed({
  risk_level: oneOf(['low', 'medium', 'high', 'critical']).optional(),
  /** The server's own tool names, `resource:<uri>`, `prompt:<name>`, with `*`. Absent: all. */
  allowed_operations: texts(1000, 512).optional(),
  max_concurrent_operations: whole('', 1, 10_000).optional(),
  /** Calls a minute, all callers together. */
  rate_limit: whole(' of calls a minute', 1, 1_000_000).optional(),
  require_authentication: yesOrNo.optional(),
  /** `true`: without a network, and no folder but its own. */
  sandbox: expecting(
    'true, false or an object of "network", "readable", "writable"',
    z.union([z.boolean(), sandbox]),
  ).optional(),
});
export type SecurityProfile = z.output<typeof securityProfile>;

/** One copy of a server: what is written here stands in place of what the entry says. */
const copy = closed({
  command: z.unknown().optional(),
  args: z.unknown().optional(),
  env: z.unknown().optional(),
  cwd: z.unknown().optional(),
  url: z.unknown().optional(),
  headers: z.unknown().optional(),
  /** With `priority-weighted`: its share of the calls, beside the other copies'. */
  priority: whole('', 1, 100).optional(),
});
/** A text is the URL of a copy. */
export const copies = z.array(z.preprocess((item) => (typeof item === 'string' ? { url: item } : item), copy));
const MANY = 'a whole number from 1 to 32, or a list of as many copies';

const options = {
  /** Before each tool's name; `""`: none; absent: `<id>__`. */
  prefix: expecting('letters, digits, _ or -, at most 32', z.string().regex(/^[A-Za-z0-9_-]{0,32}$/)).optional(),
  isolation: oneOf(['shared', 'session']).default('shared'),
  /** How many processes or connections, or what each of them is. */
  replicas: expecting(MANY, z.union([z.number().int().min(1).max(32), z.array(z.unknown()).min(1).max(32)])).default(1),
  strategy: oneOf(['round-robin', 'priority-weighted', 'least-connections', 'adaptive']).default('round-robin'),
  securityProfile: securityProfile.optional(),
  /** Whether it is shown an assertion of who calls; absent: built-in servers only. */
  assertion: yesOrNo.optional(),
  timeoutMs: whole(' of milliseconds', 1, 86_400_000).optional(),
  startTimeoutMs: whole(' of milliseconds', 1, 600_000).optional(),
  disabled: yesOrNo.default(false),
};

/** Keys that hosts write and only they read. */
const hostKeys = {
  alwaysAllow: z.unknown().optional(),
  autoApprove: z.unknown().optional(),
  timeout: z.unknown().optional(),
  description: z.unknown().optional(),
};

export const stdioServer = closed({
  command: text(4096),
  args: texts(256, 32_768).default([]),
  env: variables.default({}),
  cwd: text(4096).optional(),
  type: oneOf(['stdio']).optional(),
  ...options,
  ...hostKeys,
});

export const remoteServer = closed({
  url: text(8192),
  headers: headers.default({}),
  type: oneOf(['streamable-http', 'streamableHttp', 'http', 'sse']).optional(),
  /** Whether an address of a private network, or of this machine, is meant. */
  allowPrivateAddress: yesOrNo.optional(),
  ...options,
  ...hostKeys,
});

type OptionsOutput = z.output<z.ZodObject<typeof options>>;

/** What stdio and remote servers have in common. */
export interface ServerOptions extends Readonly<Omit<OptionsOutput, 'assertion' | 'replicas'>> {
  readonly id: string;
  /** How many copies there are. */
  readonly replicas: number;
  readonly assertion: boolean;
}

export const agent = closed({
  level: oneOf(LEVEL_NAMES),
  role: oneOf(['admin', 'developer', 'user']).optional(),
  /** Beyond those of the role, such as `fog:*`. */
  permissions: texts(200, 200).optional(),
});
export type AgentConfig = Readonly<z.output<typeof agent>>;

export const permissionRow = closed({
  /** A tool's listed name, `<id>/<tool>`, `resource:<uri>` or `prompt:<name>`; `*` stands for any run of characters. */
  match: text(512),
  level: oneOf(LEVEL_NAMES),
  permission: text(200).optional(),
  audit: yesOrNo.optional(),
  justification: yesOrNo.optional(),
  /** The type of proposal that a call becomes (G5). */
  approval: oneOf(['minor_change', 'major_change', 'critical_change', 'emergency_action']).optional(),
  /** JSON Schema of the arguments. */
  arguments: expecting('a JSON Schema object', z.custom<Readonly<Record<string, unknown>>>(isObject)).optional(),
  cacheSeconds: whole(' of seconds', 1, 86_400).optional(),
  timeoutMs: whole(' of milliseconds', 1, 86_400_000).optional(),
  rate: rate.optional(),
  /** Names of arguments that the audit keeps redacted instead of as a digest (D4). */
  redact: texts(100, 200).optional(),
});
export type PermissionRow = Readonly<z.output<typeof permissionRow>>;

const hostList = expecting(
  'a list of at most 100 host names',
  z.array(z.string().regex(/^[\w.[\]:-]{1,260}$/)).max(100),
);
const originList = expecting(
  'a list of at most 100 origins such as "https://example.org"',
  z.array(z.string().refine((item) => URL.canParse(item) && new URL(item).origin === item)).max(100),
);

export const router = closed({
  /** Per caller. */
  rateLimit: closed({ perMinute: whole(' of calls', 1, 100_000_000) }).default({ perMinute: 100 }),
  /** Whether a tool's definition may be listed when it is seen for the first time, or waits for an approval like one that changed. */
  definitions: oneOf(['first-use', 'approval']).default('first-use'),
  /** Whether sessions list only the tools by which they find the others, and what they loaded. A client may ask for it itself. */
  lean: yesOrNo.default(false),
  /** Whether calls whose arguments look like an attack are blocked. */
  screening: yesOrNo.default(true),
  /** What stdio servers may be started with. Absent: the usual launchers, and any path that the file writes. */
  allowedCommands: texts(100, 4096).optional(),
  /** Entries of one page of the router's lists. */
  pageSize: whole(' of entries', 1, 10_000).default(1000),
  /** Beyond those of the environment. */
  allowedHosts: hostList.default([]),
  allowedOrigins: originList.default([]),
});
export type RouterConfig = Readonly<z.output<typeof router>>;

const programKeys = {
  args: texts(256, 4096).default([]),
  sandbox: yesOrNo.default(true),
  network: yesOrNo.default(false),
  readable: texts(100, 4096).default([]),
  health: oneOf(['alive', 'ping']).default('alive'),
};
/** What a job may run (F3). */
export const fogProgram = closed({ command: text(4096), ...programKeys });
/** What a shard of an agent type runs (F2); without a command the program that comes with the village. */
export const fogAgentProgram = closed({ command: text(4096).optional(), ...programKeys });
export const fogPart = closed({
  commands: z.unknown().optional(),
  agents: z.unknown().optional(),
  /** Peer ids of the nodes that may join. */
  nodes: z.union([z.literal('any'), texts(10_000, 100)], '"any" or a list of peer ids').optional(),
  trust: z.unknown().optional(),
});
/** How much of what a node says of itself counts (F2). */
export const fogTrust = closed({
  most_cores: whole(' of cores', 1, 4_096).optional(),
  most_memory_gb: whole(' of GB', 1, 65_536).optional(),
  new_node_cores: whole(' of cores', 1, 4_096).optional(),
  new_node_memory_gb: whole(' of GB', 1, 65_536).optional(),
  results_to_double: whole(' of results', 1, 1_000_000_000).optional(),
  vouched_for: texts(10_000, 100).optional(),
});
