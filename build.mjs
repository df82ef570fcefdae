/**
 * Builds what cannot run as it is written: the client library as plain JavaScript with its types, and the page of the console. Runs at
 * `npm install`; plain JavaScript itself, for any Node. Without the development tools, what was built before stays.
 */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

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

function buildClient(compiler) {
  const args = [path.join(compiler, 'bin/tsc'), '-p', path.join(root, 'tsconfig.client.json'), '--outDir', out];
  const { status } = spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit' });
  if (status !== 0) throw new Error(`the client library was not built: the compiler ended with ${status}`);
}

async function buildConsole(vite) {
  const { build } = await import(pathToFileURL(path.join(vite, 'dist/node/index.js')).href);
  await build({
    configFile: false,
    logLevel: 'error',
    root: path.join(root, 'router/console/page'),
    oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
    build: {
      outDir: path.join(out, 'console'),
      emptyOutDir: true,
      // The page's policy takes nothing that stands in the page itself.
      assetsInlineLimit: 0,
      modulePreload: { polyfill: false },
      target: 'es2022',
    },
  });
}

const parts = [
  { what: 'client library', tool: 'typescript', made: 'client/index.js', build: buildClient },
  { what: 'console', tool: 'vite', made: 'console/index.html', build: buildConsole },
];
for (const { what, tool, made, build } of parts) {
  const folder = installed(tool);
  if (folder !== undefined) await build(folder);
  else {
    const kept = fs.existsSync(path.join(out, made)) ? 'the one that is there is used' : 'there is none';
    process.stderr.write(`The ${what} was not built, because the development tools are not installed; ${kept}.\n`);
  }
}
