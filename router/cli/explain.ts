/** `aivillage explain`: which row of the matrix decides and why, from the configuration alone; nothing runs. */
import { Argument, Command, InvalidArgumentError } from 'commander';
import { permissionsOf } from '../../shared/identity/claims.ts';
import { LEVELS } from '../../shared/identity/levels.ts';
import { permits } from '../../shared/identity/roles.ts';
import type { Rights } from '../../shared/matrix/decide.ts';
import type { Explanation } from '../../shared/matrix/explain.ts';
import type { Target } from '../../shared/matrix/match.ts';
import { createMatrix, type Matrix } from '../../shared/matrix/matrix.ts';
import { BUILT_IN_ROWS, BUILT_IN_TOOLS } from '../../shared/permission-matrix.ts';
import { listedName } from '../catalog/names.ts';
import { type Config, prefixOf, type ServerConfig } from '../config/config.ts';
import { ServiceRegistry } from '../own-server/service-registry.ts';
import type { CliContext } from './context.ts';
import { CommandError } from './failure.ts';

interface ExplainOptions {
  readonly agent?: string;
  readonly all?: true;
  readonly args?: unknown;
  readonly json?: true;
  readonly config?: string;
}

export function explainCommand(context: CliContext): Command {
  return new Command('explain')
    .description('say whether an agent may use a tool, which row decides and why')
    .addArgument(new Argument('[tool]', 'a listed name, <server>/<tool>, resource:<uri> or prompt:<name>'))
    .option('--agent <name>', 'whose rights: an agent of the configuration')
    .option('--args <json>', 'arguments of the call, where rules look at them', parseJson)
    .option('--all', 'print all rows that hold, built in and configured')
    .option('--config <file>', 'configuration file')
    .option('--json', 'print it as JSON')
    .action((tool: string | undefined, options: ExplainOptions) => {
      const config = withRegistered(context, context.config(options.config));
      const matrix = createMatrix({ builtIn: BUILT_IN_ROWS, configured: config.permissions, permits });
      if (options.all === true) context.stdout.write(printRows(matrix, options.json === true));
      else if (tool === undefined || options.agent === undefined) {
        throw new CommandError('Say whose call of what: aivillage explain --agent sage system_performance (or --all).');
      } else {
        const answer = withVoters(
          config,
          matrix.explain(rightsOf(config, options.agent), targetOf(config, tool), options.args),
          options.agent,
        );
        const text =
          options.json === true ? JSON.stringify(answer, null, 2) : [answer.decision, ...answer.reasons].join('\n  ');
        context.stdout.write(`${text}\n`);
      }
    });
}

/** Whose approval a call waits for; its requester never votes on it. */
function withVoters(config: Config, answer: Explanation, agentId: string): Explanation {
  const approval = answer.row?.approval;
  if (answer.decision !== 'approval_required' || approval === undefined) return answer;
  const voters = [...config.governance.voters.keys()].filter((voter) => voter !== agentId);
  const needed = config.governance.thresholds[approval];
  const line = `${approval}: ${needed === 'all' ? voters.length : needed} approvals of ${voters.join(', ') || 'nobody'}`;
  return { ...answer, reasons: [line, ...answer.reasons] };
}

/** Servers that were added at run time have rows too; the router says which of them it refuses. */
function withRegistered(context: CliContext, config: Config): Config {
  const { dataDir, maxTimeoutMs } = context.settings();
  const allowedCommands = () => config.router.allowedCommands;
  const nothing = () => {};
  const registry = new ServiceRegistry({
    dataDir,
    maxTimeoutMs,
    allowedCommands,
    onChange: nothing,
    onRefused: nothing,
  });
  return registry.joinedTo(config);
}

function rightsOf(config: Config, agentId: string): Rights {
  const agent = config.agents.get(agentId);
  if (agent === undefined) {
    throw new CommandError(
      `${agentId} is no agent of ${config.file}; it names ${[...config.agents.keys()].join(', ')}.`,
    );
  }
  return { agentId, level: LEVELS[agent.level], permissions: permissionsOf(agent.role ?? 'user', agent.permissions) };
}

function targetOf(config: Config, text: string): Target {
  if (text.startsWith('resource:')) return { kind: 'resource', uri: text.slice('resource:'.length), serverId: '' };
  const kind = text.startsWith('prompt:') ? 'prompt' : 'tool';
  const name = kind === 'prompt' ? text.slice('prompt:'.length) : text;
  const slash = name.indexOf('/');
  if (slash > 0) {
    const [serverId, ownName] = [name.slice(0, slash), name.slice(slash + 1)];
    const server = config.servers.get(serverId);
    return { kind, serverId, ownName, listedName: listedName(server === undefined ? '' : prefixOf(server), ownName) };
  }
  const builtIn = Object.entries(BUILT_IN_TOOLS).find(([, tools]) => tools.some((each) => each === name))?.[0];
  const owner = [...config.servers.values()]
    .filter((server) => owns(server, name))
    .sort((a, b) => prefixOf(b).length - prefixOf(a).length)[0];
  const serverId = builtIn ?? owner?.id ?? '';
  return { kind, serverId, listedName: name, ownName: owner === undefined ? name : name.slice(prefixOf(owner).length) };
}

function owns(server: ServerConfig, name: string): boolean {
  const prefix = prefixOf(server);
  return prefix !== '' && name.startsWith(prefix);
}

function printRows(matrix: Matrix, asJson: boolean): string {
  const rows = matrix.rows().map(({ row, origin }) => ({ origin, ...row }));
  if (asJson) return `${JSON.stringify(rows, null, 2)}\n`;
  return rows
    .map(
      ({ origin, match, level, ...rest }) =>
        `${match.padEnd(36)} ${level.padEnd(12)} ${origin.padEnd(10)} ${conditions(rest)}\n`,
    )
    .join('');
}

function conditions(rest: Readonly<Record<string, unknown>>): string {
  return Object.entries(rest)
    .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
    .join(' ');
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new InvalidArgumentError('Expected JSON.');
  }
}
