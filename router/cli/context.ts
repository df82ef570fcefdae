/** What the commands share: settings, configuration, logger, and the way to the audit of the data folder. */
import { LEVELS } from '../../shared/identity/levels.ts';
import { createLogger, type RootLogger } from '../../shared/logger.ts';
import { currentEnvironment, type Environment, readSettings, type Settings } from '../../shared/settings.ts';
import type { Config } from '../config/config.ts';
import { findConfigFile, loadConfig } from '../config/load.ts';
import type { AuditCommandIo } from './audit.ts';
import { withAudit } from './audit-of-folder.ts';
import type { IdentityCliDeps } from './identity-deps.ts';
import { problemsOnly } from './terminal-log.ts';

export interface CliContext {
  settings(): Settings;
  environment(): Environment;
  /** @param file the one named on the command line. Throws ConfigError. */
  config(file?: string): Config;
  /** @param terminal `problems`: at a terminal only what is wrong, unless MCP_LOG_LEVEL asks for more */
  logger(name: string, file?: string, terminal?: 'all' | 'problems'): RootLogger;
  identity(): IdentityCliDeps;
  audit(): AuditCommandIo;
  readonly now: () => number;
  readonly nodeVersion: string;
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
  setExitCode(code: number): void;
}

export function createContext(): CliContext {
  const environment = currentEnvironment();
  let known: Settings | undefined;
  const settings = () => {
    known ??= readSettings(environment);
    return known;
  };
  const config = (file?: string) => loadConfig(file ?? findConfigFile(settings()), environment, settings());
  const setExitCode = (code: number) => {
    process.exitCode = code;
  };
  return {
    settings,
    environment: () => environment,
    config,
    logger: (name, file, terminal = 'all') => {
      const isQuiet = terminal === 'problems' && process.stderr.isTTY && environment.MCP_LOG_LEVEL === undefined;
      return createLogger({
        name,
        level: settings().logLevel,
        ...(file === undefined ? {} : { file }),
        ...(isQuiet ? { stream: problemsOnly(process.stderr) } : {}),
      });
    },
    identity: () => ({
      settings: async () => {
        const { dataDir, jwtIssuer: issuer, jwtAudience: audience, jwtSecret, jwks } = settings();
        const { agents } = config();
        return {
          dataDir,
          issuer,
          audience,
          agents: (agentId) => {
            const agent = agents.get(agentId);
            return agent === undefined ? undefined : { ...agent, level: LEVELS[agent.level] };
          },
          ...(jwtSecret === undefined ? {} : { secret: jwtSecret }),
          ...(jwks === undefined ? {} : { jwks: jwks.kind === 'file' ? jwks.file : jwks.url }),
        };
      },
      audit: async (event) => {
        const { identityEvents } = await import('../audit/identity-events.ts');
        await withAudit({ settings, now: Date.now }, async (audit) => identityEvents(audit)(event));
      },
      input: process.stdin,
      output: process.stdout,
      messages: process.stderr,
    }),
    audit: () => ({
      dataDir: () => settings().dataDir,
      checkpointDir: () => settings().checkpointDir,
      stdout: process.stdout,
      stderr: process.stderr,
      setExitCode,
    }),
    now: Date.now,
    nodeVersion: process.version,
    stdout: process.stdout,
    stderr: process.stderr,
    setExitCode,
  };
}
