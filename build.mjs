/**
 * Builds what cannot run as it is written: the client library as plain JavaScript with its types, for those who install the package.
 * Runs at `npm install`; plain JavaScript itself, for any Node. Without the development tools, what was built before stays.
 */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.dirname(fileURLToPath(import.meta.url));
const out = path.resolve(process.argv[2] ?? path.join(root, 'dist'));

/** The folder of an installed package, or undefined. */
function installed(name) {
  try {
    return path.dirname(createRequire(import.meta.url).resolve(`${name}/package.json`));
  } catch {
    return undefined;
  }
}

function buildClient() {
  const compiler = installed('typescript');
  if (compiler === undefined) return false;
  const args = [path.join(compiler, 'bin/tsc'), '-p', path.join(root, 'tsconfig.client.json'), '--outDir', out];
  const { status } = spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit' });
  if (status !== 0) throw new Error(`the client library was not built: the compiler ended with ${status}`);
  return true;
}

if (!buildClient()) {
  const kept = fs.existsSync(path.join(out, 'client/index.js')) ? 'the one that is there is used' : 'there is none';
  process.stderr.write(`The client library was not built, because the development tools are not installed; ${kept}.\n`);
}
