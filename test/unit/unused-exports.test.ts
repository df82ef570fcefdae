/** What one module exports, another one takes: an export that nobody takes is a part of the house that nobody enters. */
import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';

const ROOT = path.resolve(import.meta.dirname, '../..');
const PARTS = ['router', 'servers', 'shared', 'packaging', 'client', 'demo', 'test'];
/** What it gives away is for programs of others. */
const PUBLIC = path.join('client', 'index.ts');

function sources(parts: readonly string[]): Map<string, string> {
  const files = parts.flatMap((part) =>
    fs.readdirSync(path.join(ROOT, part), { recursive: true, encoding: 'utf8' }).map((name) => path.join(part, name)),
  );
  return new Map(
    files
      .filter((file) => /\.tsx?$/.test(file))
      .map((file) => [file, fs.readFileSync(path.join(ROOT, file), 'utf8')] as const),
  );
}

/** Names that a module gives away, types too. */
function exportsOf(text: string): string[] {
  const declared = text.matchAll(
    /^export (?:declare )?(?:async )?(?:abstract )?(?:const|let|function\*?|class|interface|type) (\w+)/gm,
  );
  const listed = [...text.matchAll(/^export (?:type )?\{([^}]*)\}/gm)].flatMap(([, names]) =>
    names!.split(',').map((name) =>
      name
        .trim()
        .replace(/^type /, '')
        .replace(/^.* as /, ''),
    ),
  );
  return [...[...declared].map(([, name]) => name!), ...listed].filter((name) => name !== '');
}

/** A type may be needed to say what another export takes or gives. */
function isType(text: string, name: string): boolean {
  return new RegExp(`^export (?:declare )?(?:interface|type) ${name}\\b`, 'm').test(text);
}

/** What others take of each file: names, or '*' for the module as a whole. */
function taken(all: ReadonlyMap<string, string>): Map<string, Set<string>> {
  const names = new Map<string, Set<string>>();
  const take = (from: string, specifier: string, name: string) => {
    if (!specifier.startsWith('.')) return;
    const file = path.join(path.dirname(from), specifier);
    names.set(file, (names.get(file) ?? new Set()).add(name));
  };
  for (const [file, text] of all) {
    for (const [, list, specifier] of text.matchAll(
      /^(?:import|export)\s+(?:type\s+)?(?:\w+,\s*)?\{([^}]*)\}\s*from '([^']+)'/gm,
    )) {
      for (const item of list!.split(',')) {
        const name = item
          .trim()
          .replace(/^type /, '')
          .replace(/ as .*$/, '');
        if (name !== '') take(file, specifier!, name);
      }
    }
    for (const [, specifier] of text.matchAll(/^import\s+(?:type\s+)?\* as \w+ from '([^']+)'/gm)) {
      take(file, specifier!, '*');
    }
    // `(await import('./up.ts')).upCommand` and `const { open } = await import(…)`, else the whole.
    for (const found of text.matchAll(
      /(?:\{([^{}]*)\}\s*=\s*\(?await\s+)?\bimport\('([^']+)'\)(?:\)\.(\w+)|\.(\w+))?/g,
    )) {
      const [, list, specifier, awaited, typed] = found;
      const chosen = list?.split(',').map((item) => item.trim().replace(/:.*$/, '')) ?? [awaited ?? typed ?? '*'];
      for (const name of chosen) take(file, specifier!, name === 'then' ? '*' : name);
    }
  }
  return names;
}

it('[X3] exports nothing that no other module takes', () => {
  const all = sources(PARTS);
  const names = taken(all);
  const unused = [...all].flatMap(([file, text]) => {
    const uses = names.get(file) ?? new Set();
    const isPartOfAnother = (name: string) =>
      isType(text, name) && text.match(new RegExp(`\\b${name}\\b`, 'g'))!.length > 1;
    const idle = (name: string) => !uses.has(name) && !isPartOfAnother(name);
    return uses.has('*') || file === PUBLIC
      ? []
      : exportsOf(text).flatMap((name) => (idle(name) ? [`${file}: ${name}`] : []));
  });
  expect(all.size).toBeGreaterThan(600);
  for (const part of [...PARTS, path.join('router', 'console', 'page')]) {
    expect(
      [...all.keys()].some((file) => file.startsWith(`${part}${path.sep}`)),
      part,
    ).toBe(true);
  }
  expect(unused).toEqual([]);
});
