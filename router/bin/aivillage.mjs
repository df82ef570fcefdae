#!/usr/bin/env node
// The first thing that runs. Plain JavaScript that even Node 12 reads (no `?.`, no `??`): where this Node is too old, it
// runs itself again with the one that the project installs, or says in one sentence what to do. It does nothing else.
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import module from 'node:module';
import path from 'node:path';
import tty from 'node:tty';
import { fileURLToPath, pathToFileURL } from 'node:url';
import v8 from 'node:v8';

const NEEDED = [22, 19];
const RERUN_MARK = 'AIVILLAGE_LAUNCHED';
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGUSR2'];
const own = fs.realpathSync(fileURLToPath(import.meta.url));
const root = path.join(path.dirname(own), '..', '..');

/** @param {string} version such as `v22.19.0` */
export function isNewEnough(version) {
  const [major, minor] = version.replace(/^v/, '').split('.').map(Number);
  return major > NEEDED[0] || (major === NEEDED[0] && minor >= NEEDED[1]);
}

/**
 * The binary of the `node` package, in the node_modules of this folder or of any above it.
 * @param {string} from
 * @returns {string | undefined}
 */
export function findNode(from) {
  const name = process.platform === 'win32' ? 'node.exe' : 'node';
  const candidate = path.join(from, 'node_modules', 'node', 'bin', name);
  if (fs.existsSync(candidate)) return candidate;
  const above = path.dirname(from);
  return above === from ? undefined : findNode(above);
}

/** The command line's entry: its source in the repository, else what the build left in the published package. */
function findMain() {
  const places = [path.join('router', 'cli', 'main.ts'), path.join('dist', 'router', 'cli', 'main.js')];
  return places.map((place) => path.join(root, place)).find((file) => fs.existsSync(file));
}

/** What to do about a Node that is too old. */
function remedy() {
  const website = 'install it from https://nodejs.org';
  // Published, the package brings no Node: the project that uses it can.
  const parts = root.split(path.sep);
  const inside = parts.lastIndexOf('node_modules');
  const project = parts.slice(0, inside).join(path.sep);
  if (inside === -1) return `run "npm install" in ${root}, which brings one, or ${website}.`;
  if (!fs.existsSync(path.join(project, 'package.json'))) return `${website}.`;
  return `run "npm install node@24" in ${project}, or ${website}.`;
}

function fail(sentence) {
  process.stderr.write(`aivillage: ${sentence}\n`);
  process.exit(1);
}

function runAgain(node) {
  const env = Object.assign({}, process.env, { [RERUN_MARK]: '1' });
  const child = spawn(node, process.execArgv.concat([own], process.argv.slice(2)), { stdio: 'inherit', env });
  const isAtTerminal = [0, 1, 2].some((fd) => tty.isatty(fd));
  for (const signal of SIGNALS) {
    process.on(signal, () => {
      // A terminal sends ^C to both of us; once is enough.
      if (signal !== 'SIGINT' || !isAtTerminal) child.kill(signal);
    });
  }
  child.on('error', (error) => fail(`${node} cannot be started (${error.code}); run "npm install" again.`));
  child.on('exit', (code, signal) => {
    if (signal === null) process.exit(code);
    for (const name of SIGNALS) process.removeAllListeners(name);
    process.kill(process.pid, signal);
  });
}

function start() {
  if (!isNewEnough(process.version)) {
    const node = process.env[RERUN_MARK] === '1' ? undefined : findNode(root);
    if (node !== undefined) {
      runAgain(node);
      return;
    }
    fail(`needs Node ${NEEDED.join('.')} or newer, this is ${process.version}: ${remedy()}`);
  }
  delete process.env[RERUN_MARK];
  const main = findMain();
  if (main === undefined) fail(`the program is missing in ${root}; install the package again.`);
  // What a call leaves behind is young and dies at once: a nursery that grows in larger steps is collected a quarter as often.
  v8.setFlagsFromString('--semi-space-growth-factor=8');
  // Compiled code is kept beside what was installed, not in a folder that others can write; where that cannot be, nothing is kept.
  if (module.enableCompileCache) module.enableCompileCache(path.join(root, 'node_modules', '.cache', 'aivillage'));
  import(pathToFileURL(main).href).catch((error) => fail(error instanceof Error ? error.stack : String(error)));
}

if (process.argv[1] !== undefined && fs.realpathSync(process.argv[1]) === own) start();
