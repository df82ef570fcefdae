import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { REQUIREMENTS } from '../requirements.ts';

const folder = fileURLToPath(new URL('..', import.meta.url));

/** Cases of the security bar have two digits (A01); requirements do not begin with a nought. */
const SECURITY_CASE = /^[A-HRS](?:0\d|1[01])$/;

function citedIds(): Map<string, string> {
  const cited = new Map<string, string>();
  for (const file of fs.readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    if (!file.endsWith('.test.ts') || file.endsWith('requirements.test.ts')) continue;
    const text = fs.readFileSync(path.join(folder, file), 'utf8');
    for (const [, id] of text.matchAll(/\[([A-Z]\d{1,2})\]/g)) cited.set(id!, file);
  }
  return cited;
}

it('every requirement that stands has a test', () => {
  const cited = citedIds();
  const missing = Object.entries(REQUIREMENTS).filter(([id, { stands }]) => stands && !cited.has(id));
  expect(missing.map(([id, { what }]) => `${id} ${what}`)).toEqual([]);
});

it('every id that a test cites is a requirement', () => {
  const unknown = [...citedIds()].filter(([id]) => !Object.hasOwn(REQUIREMENTS, id) && !SECURITY_CASE.test(id));
  expect(unknown).toEqual([]);
});
