/** Owns the words of `aivillage config <host>`: prints what a host must be told. Opens and changes nothing. */
import type { Writable } from 'node:stream';
import { Argument, Command } from 'commander';
import { readSettings, type Settings } from '../../shared/settings.ts';
import { LAUNCHER } from '../config/commands.ts';
import { HOSTS, type Host, type HostSnippets, type RouterPlace, snippetsFor } from './host-snippets.ts';

export interface ConfigCommandIo {
  /** Called when the command runs, so that `--help` needs none. */
  settings(): Settings;
  readonly stdout: Writable;
}

/** The command to hang below `aivillage`. */
export function configCommand(io: ConfigCommandIo): Command {
  return new Command('config')
    .description('print what a host must be told so that it uses this router')
    .addArgument(new Argument('<host>', 'which host').choices(HOSTS))
    .option('--json', 'print it as JSON')
    .action((host: Host, options: { json?: true }) => {
      const snippets = snippetsFor(host, placeOf(io));
      io.stdout.write(options.json === true ? `${JSON.stringify(snippets, null, 2)}\n` : printSnippets(snippets));
    });
}

function placeOf(io: ConfigCommandIo): RouterPlace {
  const settings = io.settings();
  const { host, port, tls, dataDir, configFile } = settings;
  const reachable = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host;
  const scheme = tls === undefined ? 'http' : 'https';
  const env: Record<string, string> = {};
  if (dataDir !== readSettings({}).dataDir) env.AIVILLAGE_DATA_DIR = dataDir;
  if (configFile !== undefined) env.AIVILLAGE_CONFIG = configFile;
  return {
    node: process.execPath,
    launcher: LAUNCHER,
    url: `${scheme}://${reachable.includes(':') ? `[${reachable}]` : reachable}:${port}/mcp`,
    env,
  };
}

/** For reading; the JSON in it can be pasted. */
function printSnippets({ title, files, stdio, http, notes }: HostSnippets): string {
  const places =
    new Set([files.macos, files.windows, files.linux]).size === 1
      ? [`  ${files.linux}`]
      : [`  macOS:   ${files.macos}`, `  Windows: ${files.windows}`, `  Linux:   ${files.linux}`];
  return [
    title,
    '',
    'Its file:',
    ...places,
    '',
    'When the host starts the router itself (stdio):',
    '',
    JSON.stringify(stdio, null, 2),
    ...(http === undefined
      ? []
      : ['', 'When the router runs already, by "aivillage up" (HTTP):', '', JSON.stringify(http, null, 2)]),
    '',
    ...notes,
    '',
  ].join('\n');
}
