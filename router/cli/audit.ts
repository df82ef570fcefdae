/** Owns the words of `aivillage audit`: verify, tail, export. What they do lives in router/audit. */
import { once } from 'node:events';
import type { Writable } from 'node:stream';
import { Command, InvalidArgumentError, Option } from 'commander';
import { AUDIT_KINDS, AUDIT_OUTCOMES } from '../audit/entry.ts';
import { AuditFilter, exportAudit, tailAudit } from '../audit/query.ts';
import { escapeUnsafe } from '../audit/safe-text.ts';
import { verifyAudit } from '../audit/verify.ts';
import { showProgress } from './progress.ts';

export interface AuditCommandIo {
  dataDir(): string;
  checkpointDir(): string;
  readonly stdout: Writable;
  readonly stderr: Writable;
  /** Called once when the process should end with a code other than 0. */
  setExitCode(code: number): void;
  /** Ends a `tail --follow`. */
  readonly signal?: AbortSignal;
}

/** The command to hang below `aivillage`. */
export function auditCommand(io: AuditCommandIo): Command {
  const command = new Command('audit').description('check, follow or export what the router recorded');
  command
    .command('verify')
    .description('prove that no record was changed, removed or added; exit 1 names the first bad one')
    .option('--json', 'print the result as JSON')
    .action((options: { json?: true }) => verify(io, options.json === true));
  command
    .command('tail')
    .description('print the newest records, one JSON object a line')
    .option('-n, --last <count>', 'how many to begin with', parseCount, 10)
    .option('-f, --follow', 'go on with those that come')
    .addOption(new Option('--kind <kind>', 'only this kind').choices(AUDIT_KINDS))
    .addOption(new Option('--outcome <outcome>', 'only this outcome').choices(AUDIT_OUTCOMES))
    .option('--agent <agent>', 'only of this caller')
    .option('--tool <tool>', 'only of this tool')
    .option('--server <server>', 'only of this server')
    .option('--session <session>', 'only of this session')
    .option('--call-id <id>', 'only of this call')
    .action((options: { last: number; follow?: true }) => tail(io, options));
  command
    .command('export')
    .description('print all records, oldest first, each as the exact text that was hashed')
    .option('--since <time>', 'from this ISO time on', parseTime)
    .option('--until <time>', 'up to this ISO time', parseTime)
    .action((options: { since?: number; until?: number }) => exportAll(io, options));
  return command;
}

async function verify(io: AuditCommandIo, asJson: boolean): Promise<void> {
  const progress = showProgress(io.stderr, () => performance.now());
  const place = { dataDir: io.dataDir(), checkpointDir: io.checkpointDir() };
  const result = await verifyAudit(place, (done, total) => progress.at(done, total, 'records'));
  progress.end();
  if (!result.ok) io.setExitCode(1);
  const sentence = result.ok ? `${result.records} records verified` : `first bad record: ${result.seq}: ${result.why}`;
  await print(io.stdout, asJson ? JSON.stringify(result) : sentence);
}

async function tail(io: AuditCommandIo, options: { last: number; follow?: true }): Promise<void> {
  const { last, follow, ...filter } = options;
  const records = tailAudit({
    dataDir: io.dataDir(),
    last,
    follow: follow === true,
    filter: AuditFilter.parse(filter),
    ...(io.signal && { signal: io.signal }),
  });
  for await (const record of records) await print(io.stdout, escapeUnsafe(JSON.stringify(record)));
}

async function exportAll(io: AuditCommandIo, options: { since?: number; until?: number }): Promise<void> {
  for await (const record of exportAudit({ dataDir: io.dataDir(), ...options })) await print(io.stdout, record);
}

async function print(stream: Writable, line: string): Promise<void> {
  if (!stream.write(`${line}\n`)) await once(stream, 'drain');
}

function parseCount(text: string): number {
  const count = Number(text);
  if (!Number.isInteger(count) || count < 0 || count > 1_000) {
    throw new InvalidArgumentError('A whole number from 0 to 1000 was expected.');
  }
  return count;
}

function parseTime(text: string): number {
  const time = Date.parse(text);
  if (Number.isNaN(time) || time < 0) {
    throw new InvalidArgumentError('An ISO time was expected, such as 2026-01-31 or 2026-01-31T12:00:00Z.');
  }
  return time;
}
