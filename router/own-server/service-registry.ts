/**
 * Servers that were added at run time (R1): kept in the data folder, in the form of mcp-servers.json, beside the owner's own
 * file and never able to change what that says. Nothing here is filled in from the environment.
 */
import fs from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { checkUrl } from '../../shared/check-url.ts';
import { AppError } from '../../shared/errors.ts';
import { LEVEL_NAMES, type LevelName } from '../../shared/identity/levels.ts';
import type { PermissionRow } from '../../shared/matrix/rows.ts';
import { DEFAULT_COMMANDS, runsInlineCode } from '../config/commands.ts';
import type { Config, ServerConfig } from '../config/config.ts';
import { readServer } from '../config/server-entry.ts';

interface Registered {
  readonly server: ServerConfig;
  readonly permissions: readonly PermissionRow[];
}

const entrySchema = z.strictObject({ server: z.record(z.string(), z.unknown()), level: z.enum(LEVEL_NAMES) });
const fileSchema = z.record(z.string().max(64), entrySchema);
type Entry = z.infer<typeof entrySchema>;

/** Variables that make a launcher run something else than what was approved (D01). */
const LAUNCHER_VARIABLES =
  /^(?:NODE_OPTIONS|NODE_PATH|PATH|PYTHON(?:PATH|STARTUP|HOME)|LD_.*|DYLD_.*|BASH_ENV|ENV|PERL5(?:LIB|OPT)|RUBYOPT|GIT_.*|npm_config_.*|UV_.*|PIP_.*|DENO_.*|BUN_.*)$/i;

export interface ServiceRegistryOptions {
  readonly dataDir: string;
  readonly maxTimeoutMs: number;
  /** What may be started: `router.allowedCommands` as it is now. */
  readonly allowedCommands: () => readonly string[] | undefined;
  readonly onChange: () => void;
  /** A server that was registered is no longer allowed; it is kept, and not started. */
  readonly onRefused: (id: string, why: string) => void;
}

export class ServiceRegistry {
  private readonly options: ServiceRegistryOptions;
  private readonly file: string;
  private entries: ReadonlyMap<string, Entry> = new Map();

  constructor(options: ServiceRegistryOptions) {
    this.options = options;
    this.file = path.join(options.dataDir, 'services.json');
    this.entries = this.read();
  }

  /** The configuration with what was registered, but for ids that the owner's file has taken since. */
  joinedTo(config: Config): Config {
    const added = this.registered().filter(({ server }) => !config.servers.has(server.id));
    return {
      ...config,
      servers: new Map([...config.servers, ...added.map(({ server }) => [server.id, server] as const)]),
      permissions: [...config.permissions, ...added.flatMap(({ permissions }) => permissions)],
    };
  }

  private registered(): Registered[] {
    return [...this.entries].flatMap(([id, { server, level }]) => {
      try {
        return [{ server: this.parse(id, server), permissions: rowsFor(id, level) }];
      } catch (error) {
        if (!(error instanceof AppError)) throw error;
        this.options.onRefused(id, error.message);
        return [];
      }
    });
  }

  has(id: string): boolean {
    return this.entries.has(id);
  }

  /**
   * Adds or replaces a server and lets callers of `level` use its tools and prompts.
   * @throws AppError INVALID_PARAMS with every mistake; SECURITY_VIOLATION for what no registration may set
   */
  async register(id: string, server: Record<string, unknown>, level: LevelName): Promise<void> {
    const config = this.parse(id, server);
    if (config.kind === 'stdio') {
      const bad = Object.keys(config.env).filter((name) => LAUNCHER_VARIABLES.test(name));
      if (bad.length > 0)
        throw new AppError('SECURITY_VIOLATION', { text: `A registered server cannot set ${bad.join(', ')}` });
      if (runsInlineCode(config))
        throw new AppError('SECURITY_VIOLATION', {
          text: 'A registered server is a program, not code in its arguments',
        });
    } else await checkUrl(config.url, { allowPrivate: false });
    this.write(new Map([...this.entries, [id, { server, level }]]));
  }

  /** Throws AppError INVALID_PARAMS when it was not registered at run time. */
  remove(id: string): void {
    if (!this.entries.has(id)) {
      throw new AppError('INVALID_PARAMS', {
        text: `${id} was not registered at run time; what the configuration file names is removed there`,
      });
    }
    this.write(new Map([...this.entries].filter(([each]) => each !== id)));
  }

  private parse(id: string, server: Record<string, unknown>): ServerConfig {
    const mistakes: string[] = [];
    const context = {
      folder: path.dirname(this.file),
      // Any path goes only for the owner's own file: what is registered comes from the list, exactly.
      allowedCommands: this.options.allowedCommands() ?? DEFAULT_COMMANDS,
      maxTimeoutMs: this.options.maxTimeoutMs,
    };
    const config = readServer(id, server, [], context, ({ path: at, text, remedy }) => {
      mistakes.push(`${at.join('.') || id}: ${text}${remedy === undefined ? '' : ` ${remedy}`}`);
    });
    if (config === undefined || mistakes.length > 0)
      throw new AppError('INVALID_PARAMS', { text: mistakes.join('\n') });
    return config;
  }

  private read(): ReadonlyMap<string, Entry> {
    let text: string;
    try {
      text = fs.readFileSync(this.file, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return new Map();
      throw error;
    }
    return new Map(Object.entries(fileSchema.parse(JSON.parse(text))));
  }

  /** Replaces the file whole, so that it is never half written. */
  private write(entries: ReadonlyMap<string, Entry>): void {
    const temporary = `${this.file}.${process.pid}`;
    fs.writeFileSync(temporary, JSON.stringify(Object.fromEntries(entries), null, 2), { mode: 0o600 });
    fs.renameSync(temporary, this.file);
    this.entries = entries;
    this.options.onChange();
  }
}

function rowsFor(id: string, level: LevelName): PermissionRow[] {
  return [
    { match: `${id}/*`, level },
    { match: `prompt:${id}/*`, level },
  ];
}
