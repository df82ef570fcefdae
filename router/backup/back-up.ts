/**
 * Copies the data folder while it is in use: databases by SQLite's online backup, so that each copy is whole; other files as
 * they are. Leaves out what a backup must not bring back: logs, and locks of running processes.
 */
import fs from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import { BackupError, CHECKPOINTS, DATA, type Folders, type HoldStill, isLeftOut } from './folders.ts';

const SQLITE_HEADER = 'SQLite format 3\0';

/** @throws BackupError when the folder exists or there is nothing to copy */
export async function backUp(
  { dataDir, checkpointDir, folder }: Folders,
  holdStill: HoldStill,
): Promise<{ files: number; bytes: number }> {
  if (!fs.existsSync(dataDir)) throw new BackupError(`There is no data folder at ${dataDir}; nothing was copied.`);
  if (fs.existsSync(folder)) throw new BackupError(`${folder} exists already; name a folder that does not.`);
  fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
  try {
    // What locks other files comes before them: a lock without its file would be taken for a loss.
    const data = filesBelow(dataDir).sort((a, b) => Number(isVault(b)) - Number(isVault(a)));
    // The audit's own copy of its last checkpoint vouches for the checkpoints, and they for the records: so in this order.
    const first = data.filter((file) => path.basename(file) === 'audit.checkpoint');
    for (const file of first) copyPlain(path.join(dataDir, file), path.join(folder, DATA, file));
    if (fs.existsSync(checkpointDir)) {
      for (const file of filesBelow(checkpointDir))
        copyPlain(path.join(checkpointDir, file), path.join(folder, CHECKPOINTS, file));
    }
    for (const file of data) {
      if (first.includes(file)) continue;
      const from = path.join(dataDir, file);
      await copy(from, path.join(folder, DATA, file), holdStill).catch((error: NodeJS.ErrnoException) => {
        // What a running process had there for a moment only.
        if (error.code !== 'ENOENT' || fs.existsSync(from)) throw error;
      });
    }
  } catch (error) {
    fs.rmSync(folder, { recursive: true });
    throw error;
  }
  const copied = filesBelow(folder);
  return {
    files: copied.length,
    bytes: copied.reduce((sum, file) => sum + fs.statSync(path.join(folder, file)).size, 0),
  };
}

function isVault(file: string): boolean {
  return path.basename(file) === 'vault.db';
}

/** Paths of the plain files below a folder, relative to it. */
function filesBelow(folder: string): string[] {
  return fs
    .readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)))
    .filter((file) => !isLeftOut(file));
}

async function copy(from: string, to: string, holdStill: HoldStill): Promise<void> {
  if (!isPlainSqlite(from)) {
    await holdStill(from, () => copyPlain(from, to));
    return;
  }
  fs.mkdirSync(path.dirname(to), { recursive: true, mode: 0o700 });
  const database = new Database(from, { readonly: true, timeout: 10_000 });
  try {
    await database.backup(to);
  } finally {
    database.close();
  }
  fs.chmodSync(to, 0o600);
}

function isPlainSqlite(file: string): boolean {
  const handle = fs.openSync(file, 'r');
  try {
    const head = Buffer.alloc(SQLITE_HEADER.length);
    fs.readSync(handle, head, 0, head.length, 0);
    return head.toString('latin1') === SQLITE_HEADER;
  } finally {
    fs.closeSync(handle);
  }
}

function copyPlain(from: string, to: string): void {
  fs.mkdirSync(path.dirname(to), { recursive: true, mode: 0o700 });
  fs.copyFileSync(from, to);
  fs.chmodSync(to, 0o600);
}
