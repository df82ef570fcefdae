/** Owns the words of `aivillage doctor`: runs every check and prints what is wrong and what to do. Repairs nothing. */
import type { Writable } from 'node:stream';
import { styleText } from 'node:util';
import { Command } from 'commander';
import type { Environment } from '../../shared/settings.ts';
import type { Check, CheckStatus } from './doctor/check.ts';
import { checkConfiguration, checkNamedFiles, checkSettings } from './doctor/files.ts';
import { checkCheckpointFolder, checkClock, checkDataFolder } from './doctor/folders.ts';
import { checkPort } from './doctor/port.ts';
import { checkCommands, checkNode, checkSandbox, checkSqlite } from './doctor/programs.ts';

export interface DoctorCommandIo {
  /** The environment itself, because mistakes in it are findings here. */
  environment(): Environment;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Such as `v24.21.0`. */
  readonly nodeVersion: string;
  readonly stdout: Writable;
  /** Called once when there is a problem. */
  setExitCode(code: number): void;
}

/** The command to hang below `aivillage`. */
export function doctorCommand(io: DoctorCommandIo): Command {
  return new Command('doctor')
    .description('check this machine, the settings and the configuration; exit 1 when something must be mended')
    .option('--config <file>', 'the configuration file to check')
    .option('--json', 'print the checks as JSON')
    .action(async (options: { config?: string; json?: true }) => {
      const checks = await runChecks(io, options.config);
      const status = worst(checks);
      const printed =
        options.json === true ? JSON.stringify({ status, checks }, null, 2) : printChecks(checks, io.stdout);
      io.stdout.write(`${printed}\n`);
      if (status === 'problem') io.setExitCode(1);
    });
}

/** All checks, in the order of what depends on what. */
export async function runChecks(
  io: Pick<DoctorCommandIo, 'environment' | 'now' | 'nodeVersion'>,
  configFile?: string,
): Promise<Check[]> {
  const env = io.environment();
  const { checks: ofSettings, settings } = checkSettings(env);
  const checks = [checkNode(io.nodeVersion), checkSqlite(), ...ofSettings];
  if (settings === undefined) return [...checks, await checkSandbox(undefined, env)];
  checks.push(
    ...checkNamedFiles(settings),
    ...checkDataFolder(settings.dataDir),
    ...checkCheckpointFolder(settings.checkpointDir, settings.dataDir),
    checkClock(settings.dataDir, io.now),
    await checkPort(settings),
  );
  const { checks: ofConfiguration, config } = checkConfiguration(configFile, settings, env);
  checks.push(...ofConfiguration, ...(config === undefined ? [] : checkCommands(config, env)));
  return [...checks, await checkSandbox(config, env)];
}

function worst(checks: readonly Check[]): CheckStatus {
  const statuses = checks.map(({ status }) => status);
  return statuses.includes('problem') ? 'problem' : statuses.includes('warning') ? 'warning' : 'ok';
}

const COLOURS = { ok: 'green', warning: 'yellow', problem: 'red' } as const;

function printChecks(checks: readonly Check[], stream: Writable): string {
  const lines = checks.flatMap(({ component, status, finding, remedy }) => [
    `${styleText(COLOURS[status], status.padEnd(8), { stream })} ${component}: ${finding}`,
    ...(remedy === undefined ? [] : [`         → ${remedy}`]),
  ]);
  const count = (status: CheckStatus) => checks.filter((check) => check.status === status).length;
  const next = count('problem') > 0 ? ['Do what stands behind each arrow, then ask again: npx aivillage doctor'] : [];
  const summary = `${counted(count('problem'), 'problem')}, ${counted(count('warning'), 'warning')}, ${count('ok')} ok`;
  return [...lines, '', summary, ...next].join('\n');
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}
