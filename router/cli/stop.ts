/**
 * `aivillage stop` and `aivillage resume`: on the data folder itself, so that they work whether a router answers or not.
 * Whoever owns the folder may.
 */
import { Command } from 'commander';
import { EmergencyStop } from '../stop/emergency-stop.ts';
import { type Executed, type OrderDeps, orderResume, orderStop } from '../stop/order.ts';
import { openStopStore } from '../stop/stop-store.ts';
import { OWNER, parseScope, reasonSchema, type Stop } from '../stop/stops.ts';
import { withAudit } from './audit-of-folder.ts';
import type { CliContext } from './context.ts';
import { CommandError } from './failure.ts';

interface StopOptions {
  readonly reason: string;
  readonly scope: string;
  readonly json?: true;
}

interface ResumeOptions {
  readonly justification: string;
  readonly scope?: string;
  readonly json?: true;
}

export function stopCommand(context: CliContext): Command {
  return new Command('stop')
    .description('emergency stop: no call starts, those in flight end, processes that go on are killed')
    .requiredOption('--reason <text>', 'why; kept in the audit and shown to whoever is stopped')
    .option('--scope <scope>', 'all, server:ID, tool:NAME as it is listed, or agent:ID', 'all')
    .option('--json', 'print the state as JSON')
    .action(async ({ reason, scope, json }: StopOptions) => {
      const order = { scope: parseScope(scope), why: text(reason, '--reason'), by: OWNER, via: 'command' } as const;
      await onFolder(context, json === true, (deps) => orderStop(deps, order));
    });
}

export function resumeCommand(context: CliContext): Command {
  return new Command('resume')
    .description('end an emergency stop; what was refused or cancelled meanwhile is not made up for')
    .requiredOption('--justification <text>', 'why it is safe to go on; kept in the audit')
    .option('--scope <scope>', 'the stop to end; all of them when left out')
    .option('--json', 'print the state as JSON')
    .action(async ({ justification, scope, json }: ResumeOptions) => {
      const why = text(justification, '--justification');
      await onFolder(context, json === true, (deps) => {
        if (scope !== undefined && !deps.stop.stops.some((stop) => stop.scope === scope)) {
          throw new CommandError(`Nothing is stopped by the scope ${scope}. In force: ${scopesOf(deps.stop.stops)}.`);
        }
        return orderResume(deps, { scope, why, by: OWNER, via: 'command' });
      });
    });
}

/** The stop comes before the audit is opened: what hinders the one must not hinder the other. */
async function onFolder(
  context: CliContext,
  asJson: boolean,
  order: (deps: OrderDeps) => Promise<Executed>,
): Promise<void> {
  const { dataDir } = context.settings();
  const log = context.logger('command');
  const stop = new EmergencyStop(await openStopStore(dataDir), log);
  try {
    const audit: OrderDeps['audit'] = { append: (entry) => withAudit(context, (opened) => opened.append(entry)) };
    const done = await order({ stop, audit, now: context.now });
    context.stdout.write(asJson ? `${JSON.stringify(done)}\n` : `${sentence(done)}\n`);
    if (done.behind > 0) {
      context.stderr.write(
        `${done.behind} running routers have not confirmed it. Look at them, or end their processes.\n`,
      );
      context.setExitCode(1);
    }
    if (!done.isKept) throw new CommandError('It could not be written to the data folder, so nothing was stopped.');
    if (!done.isRecorded) context.stderr.write('It holds, but the audit could not be written: aivillage doctor.\n');
  } finally {
    await stop.close();
    await log.close();
  }
}

function sentence({ stops }: Executed): string {
  return stops.length === 0 ? 'Nothing is stopped.' : `Stopped: ${scopesOf(stops)}.`;
}

function scopesOf(stops: readonly Stop[]): string {
  return stops.map(({ scope, reason, by }) => `${scope} (${reason}; by ${by})`).join(', ') || 'none';
}

function text(value: string, option: string): string {
  const parsed = reasonSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new CommandError(`${option} must be a text of 1 to 1000 characters.`);
}
