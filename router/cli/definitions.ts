/** `aivillage definitions`: what is withheld, and approving it, on the data folder itself. Whoever owns the folder may. */
import { Command } from 'commander';
import { AppError } from '../../shared/errors.ts';
import { aboutDefinition } from '../definitions/entry.ts';
import { DefinitionGuard, type Review, reviewOf } from '../definitions/guard.ts';
import { openPinStore } from '../definitions/pin-store.ts';
import { OWNER } from '../stop/stops.ts';
import { withAudit } from './audit-of-folder.ts';
import type { CliContext } from './context.ts';
import { CommandError } from './failure.ts';

export function definitionsCommand(context: CliContext): Command {
  const command = new Command('definitions').description(
    'tools that are withheld because their definition changed or looks suspicious',
  );
  command
    .command('list', { isDefault: true })
    .description('show what waits for an approval, and how it differs from what was approved')
    .option('--json', 'print as JSON')
    .action(async ({ json }: { json?: true }) => {
      const all = await onFolder(context, async (guard) => guard.waiting().map(reviewOf));
      context.stdout.write(
        json === true ? `${JSON.stringify(all)}\n` : all.map(textOf).join('\n') || 'Nothing waits.\n',
      );
    });
  command
    .command('approve <server> <name> <digest>')
    .description('let it be listed with this definition; name is the one that the server gives it')
    .option('--list <list>', 'tools, prompts or instructions', 'tools')
    .action(async (server: string, name: string, digest: string, { list }: { list: string }) => {
      await onFolder(context, async (guard) => {
        const pin = approve(guard, server, list, list === 'instructions' ? '' : name, digest);
        await record(context, server, list, name, pin);
      });
      context.stdout.write(`Approved: ${server} ${name}. Running routers list it within a second.\n`);
    });
  return command;
}

function approve(guard: DefinitionGuard, server: string, list: string, name: string, digest: string): string {
  try {
    return guard.approve(server, list, name, digest, OWNER).approved?.digest ?? '';
  } catch (error) {
    if (error instanceof AppError && error.kind !== 'INTERNAL')
      throw new CommandError(`${error.message}. See: aivillage definitions`);
    throw error;
  }
}

async function onFolder<T>(context: CliContext, work: (guard: DefinitionGuard) => Promise<T>): Promise<T> {
  const guard = new DefinitionGuard({
    store: await openPinStore(context.settings().dataDir),
    approvesFirst: () => false,
    onWithheld: () => {},
    onChanged: () => {},
    now: context.now,
  });
  try {
    return await work(guard);
  } finally {
    await guard.close();
  }
}

async function record(context: CliContext, server: string, list: string, name: string, digest: string): Promise<void> {
  const details = { list, approvedBy: OWNER };
  const entry = { ...aboutDefinition(server, list, name, digest), agent: OWNER, outcome: 'ok', details } as const;
  await withAudit(context, (audit) => audit.append(entry));
}

function textOf({ server, list, name, why, digest, findings, difference }: Review): string {
  const lines = [
    `${server} ${name || '(instructions)'}  [${list}] ${why.replace('_', ' ')}`,
    ...findings.map((finding) => `    found ${finding}`),
    ...difference.map((line) => `    ${line}`),
    `    approve: aivillage definitions approve ${server} ${name || "''"} ${digest}${list === 'tools' ? '' : ` --list ${list}`}`,
  ];
  return `${lines.join('\n')}\n`;
}
