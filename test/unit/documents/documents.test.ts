import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { commandLines, markdownFiles, ROOT, withoutCode } from '../../fixtures/documents.ts';

const documents = markdownFiles();
const { scripts } = JSON.parse(fs.readFileSync(path.join(ROOT, 'package.json'), 'utf8')) as { scripts: object };

/** As pages show headings: what links behind a # name. */
function anchors(text: string): string[] {
  const headings = text.replace(/^ *```[\s\S]*?^ *```/gm, '').matchAll(/^#+ (.+)$/gm);
  return [...headings].map(([, heading]) =>
    heading!
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .trim()
      .replaceAll(' ', '-'),
  );
}

describe('every document', () => {
  it('[X3] links only to what is there', () => {
    const dead = documents.flatMap(({ file, text }) =>
      [...withoutCode(text).matchAll(/\]\((?!\w+:)([^)\s]+)\)/g)].flatMap(([, link]) => {
        const [target = '', anchor] = link!.split('#');
        const whole = target === '' ? path.join(ROOT, file) : path.resolve(ROOT, path.dirname(file), target);
        if (!fs.existsSync(whole)) return [`${file}: ${link}`];
        if (anchor === undefined || !whole.endsWith('.md')) return [];
        return anchors(fs.readFileSync(whole, 'utf8')).includes(anchor) ? [] : [`${file}: ${link}`];
      }),
    );
    expect(documents.length).toBeGreaterThan(20);
    expect(dead).toEqual([]);
  });

  it('[X3] names only scripts of package.json and files that are there', () => {
    const unknown = documents.flatMap(({ file, text }) =>
      commandLines(text).flatMap((line) => {
        const script = /^npm run ([\w:-]+)/.exec(line)?.[1];
        const program = /^node ([\w./-]+\.(?:ts|mjs))/.exec(line)?.[1];
        if (script !== undefined && !Object.hasOwn(scripts, script)) return [`${file}: ${line}`];
        if (program !== undefined && !fs.existsSync(path.join(ROOT, program))) return [`${file}: ${line}`];
        return [];
      }),
    );
    expect(unknown).toEqual([]);
  });
});
