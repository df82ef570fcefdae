/** Nothing is left to be done later: no notes to oneself, no tests that do not run, no types that are switched off. */
import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { ROOT } from '../fixtures/documents.ts';

const PARTS = ['router', 'servers', 'shared', 'client', 'demo', 'packaging', 'test', 'docs', '.ci'];
const TEXT = /\.(?:tsx?|mjs|cjs|js|css|html|md|json|sh)$|^run$/;
/** Written apart, so that this file does not find itself. */
const UNFINISHED: readonly (readonly [string, RegExp])[] = [
  ['a note to oneself', new RegExp(`\\b(?:${['TO' + 'DO', 'FIX' + 'ME', 'XX' + 'X', 'HA' + 'CK'].join('|')})\\b`)],
  [
    'a test that does not run',
    new RegExp(`\\b(?:it|test|describe)\\.(?:${['sk' + 'ip', 'on' + 'ly', 'to' + 'do'].join('|')})\\b`),
  ],
  [
    'a type that is switched off',
    new RegExp(`@ts-(?:${['ign' + 'ore', 'noch' + 'eck'].join('|')})\\b|\\bas ${'unkn'}own as (?=[A-Z{])`),
  ],
];

/** What git keeps: nothing that was built or installed. */
function files(): string[] {
  const inside = PARTS.flatMap((part) =>
    fs.readdirSync(path.join(ROOT, part), { recursive: true, encoding: 'utf8' }).map((name) => path.join(part, name)),
  );
  const above = fs.readdirSync(ROOT).filter((name) => fs.statSync(path.join(ROOT, name)).isFile());
  return [...inside, ...above].filter((file) => TEXT.test(path.basename(file)) && file !== 'package-lock.json');
}

it('[X3] finds nothing unfinished in any part of the tree', () => {
  const all = files();
  const found = all.flatMap((file) => {
    const lines = fs.readFileSync(path.join(ROOT, file), 'utf8').split('\n');
    return lines.flatMap((line, at) =>
      UNFINISHED.flatMap(([what, words]) =>
        words.test(line) ? [`${file}:${at + 1}: ${what}: ${line.trim().slice(0, 80)}`] : [],
      ),
    );
  });
  expect(all.length).toBeGreaterThan(900);
  expect(found).toEqual([]);
});
