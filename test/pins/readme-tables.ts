/** The README's tables as the code has them; run as a program it writes them into the README. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { SERVERS } from '../../servers/index.ts';
import { ERRORS } from '../../shared/errors.ts';
import { isReserved } from '../../shared/identity/roles.ts';
import { BUILT_IN_ROWS } from '../../shared/permission-matrix.ts';
import { listSettings } from '../../shared/settings.ts';
import { readVotingRules } from '../../shared/voting-rules.ts';

const rules = readVotingRules(undefined);
const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

export async function toolsTable(): Promise<string> {
  const titles = new Map<string, [string, string]>();
  const { ownTools } = await import('../../router/own-server/tools/index.ts');
  // Definitions need none of what the tools work on.
  for (const tool of ownTools({} as Parameters<typeof ownTools>[0]))
    titles.set(tool.name, ['router', tool.definition().title ?? '']);
  for (const [id, load] of SERVERS) {
    const dataDir = fs.mkdtempSync(path.join(os.tmpdir(), 'tables-'));
    const village = await (await load())({ log: silent, dataDir, votingRules: () => rules, router: undefined });
    for (const tool of village.tools) titles.set(tool.name, [id, tool.definition().title ?? '']);
    await village.close();
    fs.rmSync(dataDir, { recursive: true });
  }
  const rows = [...titles].flatMap(([name, [server, title]]) => {
    const row = BUILT_IN_ROWS.find(({ match }) => match === name);
    // What is between the router and its servers, nobody else sees.
    if (row?.permission !== undefined && isReserved(row.permission)) return [];
    const more = [row?.permission, row?.justification === true ? 'a justification' : undefined, row?.approval].filter(
      (each) => each !== undefined,
    );
    return [[`\`${name}\``, server, title, row?.level ?? 'denied', more.join(', ')]];
  });
  return table(['tool', 'server', 'what', 'from level', 'needs also'], rows);
}

export function settingsTable(): string {
  return table(
    ['variable', 'default', 'meaning'],
    listSettings().map((row) => [`\`${row.name}\``, row.default, row.meaning]),
  );
}

export function errorsTable(): string {
  const rows = Object.values(ERRORS).map(({ reason, code, httpStatus, text }) => [
    `\`${reason}\``,
    String(code),
    String(httpStatus),
    text,
  ]);
  return table(['reason', 'code', 'HTTP', 'what it says'], rows);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const file = fileURLToPath(new URL('../../README.md', import.meta.url));
  let text = fs.readFileSync(file, 'utf8');
  for (const [name, make] of [
    ['tools', toolsTable],
    ['settings', settingsTable],
    ['errors', errorsTable],
  ] as const) {
    const [before, after] = [`<!-- ${name} -->`, `<!-- /${name} -->`];
    const made = await make();
    text = `${text.split(before)[0]}${before}\n${made}\n${after}${text.split(after)[1]}`;
  }
  fs.writeFileSync(file, text);
}
