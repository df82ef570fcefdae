/** Every configuration that a document shows is one that the router takes, whole or as a section of mcp-servers.json. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { loadConfig } from '../../../router/config/load.ts';
import { blocksOf, markdownFiles } from '../../fixtures/documents.ts';

const shown = markdownFiles().flatMap(({ file, text }) =>
  blocksOf(text, 'json', 'jsonc').map((block, at) => [`${file} (${at + 1})`, block] as const),
);
/** Agents and voters that a section names are those of the whole file. */
const AGENTS = JSON.stringify(
  Object.fromEntries(['king', 'sage', 'curator', 'magi', 'scout'].map((name) => [name, { level: 'EMERGENCY' }])),
);
const env = { HOME: '/home/reader', SEARCH_KEY: 'a', FILES_KEY: 'b', WEB_TOKEN: 'c' };

let folder: string;
beforeAll(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'shown-'));
});
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));

it.each(shown)('[X1] the configuration in %s is taken as it is written', (_where, block) => {
  const file = path.join(folder, 'mcp-servers.json');
  const isSection = !block.trimStart().startsWith('{');
  fs.writeFileSync(file, isSection ? `{ "mcpServers": {}, "agents": ${AGENTS}, ${block} }` : block);
  const { warnings } = loadConfig(file, env);
  expect(warnings).toEqual([]);
});

it('[X1] there are some, and a wrong one is told', () => {
  expect(shown.length).toBeGreaterThan(4);
  const file = path.join(folder, 'wrong.json');
  fs.writeFileSync(file, '{ "mcpServers": {}, "governance": { "votters": ["king"] } }');
  expect(() => loadConfig(file, env)).toThrow(/votters/);
});
