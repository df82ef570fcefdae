/** Checks the data folder and the place of the checkpoints: there, ours alone, writable, room, and a sane clock. Leaves nothing. */
import fs from 'node:fs';
import path from 'node:path';
import { type Check, codeOf, ok, problem, warning } from './check.ts';

const LOW_BYTES = 1024 ** 3;
const TOO_LOW_BYTES = 100 * 1024 ** 2;
/** A file system's time and ours may differ by its granularity and a busy disk. */
const CLOCK_TOLERANCE_MS = 5_000;
const FUTURE_TOLERANCE_MS = 60_000;
/** When this was written; no clock is right that says less. */
const EARLIEST = Date.UTC(2026, 0, 1);

export function checkDataFolder(folder: string): Check[] {
  return checkFolder('data folder', folder, 'AIVILLAGE_DATA_DIR');
}

export function checkCheckpointFolder(folder: string, dataDir: string): Check[] {
  const relative = path.relative(dataDir, folder);
  if (!relative.startsWith('..') && !path.isAbsolute(relative)) {
    const remedy = 'Set AIVILLAGE_CHECKPOINT_DIR to another place, best on another disk.';
    return [warning('checkpoint folder', `${folder} lies in the data folder and is rolled back with it.`, remedy)];
  }
  return checkFolder('checkpoint folder', folder, 'AIVILLAGE_CHECKPOINT_DIR');
}

function checkFolder(component: string, folder: string, variable: string): Check[] {
  const elsewhere = `Choose another with ${variable}.`;
  let stat: fs.Stats | undefined;
  try {
    stat = fs.statSync(folder, { throwIfNoEntry: false });
  } catch (error) {
    return [problem(component, `${folder} cannot be looked at (${codeOf(error)}).`, elsewhere)];
  }
  if (stat === undefined)
    return [checkMakeable(component, folder, elsewhere), ...checkSpace(component, nearest(folder))];
  if (!stat.isDirectory()) return [problem(component, `${folder} is no folder.`, `Remove the file, or: ${elsewhere}`)];
  const checks = [checkRights(component, folder, stat), ...checkSpace(component, folder)];
  return checks.some(({ status }) => status !== 'ok') ? checks.filter(({ status }) => status !== 'ok') : checks;
}

function checkMakeable(component: string, folder: string, elsewhere: string): Check {
  const above = nearest(folder);
  try {
    fs.accessSync(above, fs.constants.W_OK | fs.constants.X_OK);
    return ok(component, `${folder} is not there yet and will be made.`);
  } catch (error) {
    return problem(
      component,
      `${folder} is not there, and ${above} lets nobody make it (${codeOf(error)}).`,
      elsewhere,
    );
  }
}

function checkRights(component: string, folder: string, stat: fs.Stats): Check {
  const us = process.getuid?.();
  if (us !== undefined && stat.uid !== us) {
    const remedy = `Run as that user, or: chown -R ${us} '${folder}'`;
    return problem(component, `${folder} belongs to another user (uid ${stat.uid}).`, remedy);
  }
  try {
    fs.accessSync(folder, fs.constants.R_OK | fs.constants.W_OK | fs.constants.X_OK);
  } catch (error) {
    return problem(component, `${folder} cannot be written (${codeOf(error)}).`, `chmod u+rwx '${folder}'`);
  }
  if (process.platform !== 'win32' && (stat.mode & 0o077) !== 0) {
    const mode = (stat.mode & 0o777).toString(8);
    return problem(
      component,
      `${folder} is open to other users (mode ${mode}); it holds keys.`,
      `chmod 700 '${folder}'`,
    );
  }
  return ok(component, `${folder} is ours alone and can be written.`);
}

function checkSpace(component: string, folder: string): Check[] {
  let free: number;
  try {
    const { bavail, bsize } = fs.statfsSync(folder);
    free = bavail * bsize;
  } catch {
    return [];
  }
  const finding = `${Math.floor(free / 1024 ** 2)} MiB are free.`;
  const remedy = 'Make room: without it no call can be recorded, and none runs.';
  if (free < TOO_LOW_BYTES) return [problem(component, finding, remedy)];
  return [free < LOW_BYTES ? warning(component, finding, remedy) : ok(component, finding)];
}

/**
 * Holds our clock against the file system's and against what was written before. Tokens and the audit live by it.
 * @param now milliseconds since the epoch
 */
export function checkClock(folder: string, now: () => number): Check {
  const remedy = 'Set the clock, best by NTP.';
  if (now() < EARLIEST) return problem('clock', `it says ${new Date(now()).toISOString()}.`, remedy);
  const newest = newestFile(folder);
  if (newest !== undefined && newest.mtimeMs > now() + FUTURE_TOLERANCE_MS) {
    const seconds = Math.round((newest.mtimeMs - now()) / 1000);
    return problem('clock', `${newest.name} was written ${seconds} s in the future: the clock went back.`, remedy);
  }
  const differenceMs = touch(nearest(folder), now);
  if (differenceMs !== undefined && Math.abs(differenceMs) > CLOCK_TOLERANCE_MS) {
    return warning('clock', `it differs from the file system's by ${Math.round(differenceMs / 1000)} s.`, remedy);
  }
  return ok('clock', 'it agrees with the times of files.');
}

function newestFile(folder: string): { name: string; mtimeMs: number } | undefined {
  let names: string[];
  try {
    names = fs.readdirSync(folder);
  } catch {
    return undefined;
  }
  const files = names.map((name) => ({
    name,
    mtimeMs: fs.statSync(path.join(folder, name), { throwIfNoEntry: false })?.mtimeMs ?? 0,
  }));
  return files.toSorted((a, b) => b.mtimeMs - a.mtimeMs)[0];
}

/** The file system's time less ours, in milliseconds, by a file that is made and removed. */
function touch(folder: string, now: () => number): number | undefined {
  const file = path.join(folder, `.aivillage-doctor-${process.pid}`);
  try {
    fs.writeFileSync(file, '', { flag: 'wx', mode: 0o600 });
    try {
      return fs.statSync(file).mtimeMs - now();
    } finally {
      fs.rmSync(file);
    }
  } catch {
    return undefined;
  }
}

/** The folder, or the nearest one above it that is there. */
function nearest(folder: string): string {
  let at = folder;
  while (!fs.existsSync(at) && path.dirname(at) !== at) at = path.dirname(at);
  return at;
}
