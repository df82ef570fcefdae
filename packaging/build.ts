/**
 * The first half of the published form in `dist`. Node takes no types inside node_modules, so it is JavaScript, made by the compiler file by
 * file, with what is no TypeScript beside it. The second half is build.mjs, the client library and the page of the console, which npm
 * runs after this when it packs, and `npm run build` does too. Working in the repository needs none of it.
 */
import fs from 'node:fs';
import path from 'node:path';
import { execa } from 'execa';

const ROOT = path.join(import.meta.dirname, '..');
const DIST = path.join(ROOT, 'dist');
/** What runs; tests, benchmarks and the demo stay at home. */
const PARTS = ['router', 'servers', 'shared'];
/** The launcher lies at the same place in both forms; the console's page is built. */
const NOT_COPIED = [path.join('router', 'bin'), path.join('router', 'console', 'page')];

fs.rmSync(DIST, { recursive: true, force: true });
await execa('tsc', ['-p', 'tsconfig.build.json'], {
  cwd: ROOT,
  preferLocal: true,
  stdout: process.stderr,
  stderr: 'inherit',
});
for (const part of PARTS) copyAssets(part);

/** Programs and pages that are not compiled; documentation is read in the repository. */
function copyAssets(folder: string): void {
  for (const name of fs.readdirSync(path.join(ROOT, folder), { recursive: true, encoding: 'utf8' })) {
    const file = path.join(folder, name);
    if (/\.(ts|tsx|md)$/.test(name) || NOT_COPIED.some((each) => file.startsWith(each))) continue;
    if (!fs.statSync(path.join(ROOT, file)).isFile()) continue;
    fs.mkdirSync(path.dirname(path.join(DIST, file)), { recursive: true });
    fs.copyFileSync(path.join(ROOT, file), path.join(DIST, file));
  }
}
