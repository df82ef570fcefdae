/** Checks what people wrote: the environment, the configuration file, and the files of TLS and keys that they name. */
import fs from 'node:fs';
import { type Environment, readSettings, type Settings, SettingsError } from '../../../shared/settings.ts';
import type { Config } from '../../config/config.ts';
import { findConfigFile, loadConfig } from '../../config/load.ts';
import { ConfigError, printMistake } from '../../config/mistake.ts';
import { type Check, codeOf, ok, problem, warning } from './check.ts';

/** Variables are set by the shell, or by the host that starts the router. */
const WHERE_SET = 'Correct it where it is set: in the shell, or in "env" of the host that starts this; or unset it.';

/** The settings, or undefined beside the mistakes that keep them from being used. */
export function checkSettings(env: Environment): { checks: Check[]; settings: Settings | undefined } {
  try {
    const settings = readSettings(env);
    const odd = settings.warnings.map((text) => warning('settings', text, WHERE_SET));
    return { checks: odd.length > 0 ? odd : [ok('settings', 'the environment is understood.')], settings };
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    const checks = error.mistakes.map((text) => problem('settings', text, WHERE_SET));
    return { checks, settings: undefined };
  }
}

/** The configuration, or undefined beside every mistake in it. */
export function checkConfiguration(
  file: string | undefined,
  settings: Settings,
  env: Environment,
): { checks: Check[]; config: Config | undefined } {
  const component = 'configuration';
  const remedy = 'Correct the file.';
  const chosen = file ?? findConfigFile(settings);
  try {
    const config = loadConfig(chosen, env, settings);
    const odd = config.warnings.map((text) => warning(component, text, remedy));
    const { size } = config.servers;
    const fine = ok(
      component,
      `${chosen}: ${size} ${size === 1 ? 'server' : 'servers'}, ${config.agents.size} agents.`,
    );
    return { checks: odd.length > 0 ? odd : [fine], config };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const checks = error.mistakes.map((mistake) =>
      problem(component, printMistake({ ...mistake, remedy: undefined }), mistake.remedy ?? remedy),
    );
    return { checks, config: undefined };
  }
}

/** Files that the settings name and that must be readable at start. */
export function checkNamedFiles({ tls, jwks }: Settings): Check[] {
  const named: [string, string][] = [];
  if (tls !== undefined) named.push(['MCP_TLS_CERT', tls.certFile], ['MCP_TLS_KEY', tls.keyFile]);
  if (jwks?.kind === 'file') named.push(['MCP_JWT_JWKS', jwks.file]);
  return named.map(([variable, file]) => {
    try {
      fs.accessSync(file, fs.constants.R_OK);
      return ok(variable, `${file} can be read.`);
    } catch (error) {
      return problem(variable, `${file} cannot be read (${codeOf(error)}).`, `Correct ${variable}.`);
    }
  });
}
