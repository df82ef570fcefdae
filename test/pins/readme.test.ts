import fs from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { errorsTable, settingsTable, toolsTable } from './readme-tables.ts';

const readme = fs.readFileSync(fileURLToPath(new URL('../../README.md', import.meta.url)), 'utf8');

function part(name: string): string {
  return readme.split(`<!-- ${name} -->`)[1]?.split(`<!-- /${name} -->`)[0]?.trim() ?? '';
}

/** The formatter is free to align columns. */
function cells(table: string): string[][] {
  return table
    .trim()
    .split('\n')
    .map((line) => line.split('|').map((cell) => cell.trim().replace(/^-+$/, '---')));
}

/** Write them anew with: node test/pins/readme-tables.ts */
it.each([
  ['tools', toolsTable],
  ['settings', settingsTable],
  ['errors', errorsTable],
])('[X3] the README’s table of %s is what the code says', async (name, table) => {
  expect(cells(part(name))).toEqual(cells(await table()));
});
