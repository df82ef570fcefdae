/**
 * `npm run bundle`: a `.mcpb` file for Claude Desktop in `dist`. Packs the package, installs it into an empty folder as a user
 * would, adds the manifest, and lets the format's own tool check and pack it. Needs npm's registry.
 * `node packaging/bundle.ts --check FOLDER`: only the check, of a folder that the package is installed in already.
 */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { execa } from 'execa';
import { ENTRY_POINT, manifest, type PackageFacts } from './manifest.ts';

const ROOT = path.join(import.meta.dirname, '..');
/** Pinned: what it accepts is what hosts of its time accept. */
const MCPB = '@anthropic-ai/mcpb@2.1.2';

const facts = JSON.parse(fs.readFileSync(path.join(ROOT, 'package.json'), 'utf8')) as PackageFacts;
const { values } = parseArgs({ options: { check: { type: 'string' } } });
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'aivillage-bundle-'));
const staged = path.join(folder, 'bundle');
const bundle = path.join(ROOT, 'dist', `${facts.name}-${facts.version}.mcpb`);
const run = (command: string, args: readonly string[], cwd: string) =>
  execa(command, args, { cwd, stdout: process.stderr, stderr: 'inherit' });

/** In a folder that the package is installed in. */
async function addManifest(where: string): Promise<void> {
  if (!fs.existsSync(path.join(where, ENTRY_POINT)))
    throw new Error(`The package is not installed in ${where}: there is no ${ENTRY_POINT}.`);
  fs.writeFileSync(path.join(where, 'manifest.json'), `${JSON.stringify(manifest(facts), null, 2)}\n`);
  await run('npx', ['--yes', MCPB, 'validate', 'manifest.json'], where);
}

async function makeBundle(): Promise<void> {
  fs.mkdirSync(staged);
  await run('npm', ['pack', '--silent', '--pack-destination', folder], ROOT);
  fs.writeFileSync(path.join(staged, 'package.json'), `${JSON.stringify({ private: true, type: 'module' })}\n`);
  const tarball = path.join(folder, `${facts.name}-${facts.version}.tgz`);
  await run(
    'npm',
    ['install', '--omit=dev', '--no-audit', '--no-fund', '--no-package-lock', '--no-save', tarball],
    staged,
  );
  await addManifest(staged);
  await run('npx', ['--yes', MCPB, 'pack', '.', bundle], staged);
  process.stdout.write(`${bundle}\n`);
}

try {
  await (values.check === undefined ? makeBundle() : addManifest(path.resolve(values.check)));
} finally {
  fs.rmSync(folder, { recursive: true, force: true });
}
