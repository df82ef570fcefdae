/**
 * Owns the proof that a process which started an action is still there: an exclusive lock on a file of its own, which the
 * kernel lets go the moment the process ends, however it ends. Nothing else may open these files: closing any descriptor of
 * one gives its locks away (POSIX).
 */
import fs from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';

export interface Owner {
  readonly id: string;
  /** Takes the lock the first time. Call it inside the store's write transaction: `sweep` tidies the folder there too. */
  hold(): void;
  release(): void;
}

/** @param folder where the lock files of all owners on one store lie @param id a UUID, new for each run */
export function createOwner(folder: string, id: string): Owner {
  let lock: Database.Database | undefined;
  return {
    id,
    hold() {
      if (lock !== undefined) return;
      fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
      const taken = new Database(path.join(folder, id), { timeout: 0 });
      try {
        taken.exec('BEGIN EXCLUSIVE');
      } catch (error) {
        taken.close();
        throw error;
      }
      lock = taken;
    },
    release() {
      if (lock === undefined) return;
      fs.rmSync(path.join(folder, id), { force: true });
      lock.close();
      lock = undefined;
    },
  };
}

/** Whether the owner holds its lock. In doubt (the file cannot be read) it counts as alive: nothing is given up by mistake. */
export function isOwnerAlive(folder: string, id: string): boolean {
  const file = path.join(folder, id);
  if (!fs.existsSync(file)) return false;
  let probe: Database.Database | undefined;
  try {
    probe = new Database(file, { timeout: 0, fileMustExist: true });
    probe.prepare('SELECT name FROM sqlite_master').all();
    return false;
  } catch {
    return fs.existsSync(file);
  } finally {
    probe?.close();
  }
}

/** Removes the lock files of owners that are gone. Call it inside the store's write transaction. */
export function tidyOwners(folder: string, own: string): void {
  if (!fs.existsSync(folder)) return;
  for (const name of fs.readdirSync(folder)) {
    if (name !== own && !name.endsWith('-journal') && !isOwnerAlive(folder, name)) {
      fs.rmSync(path.join(folder, name), { force: true });
    }
  }
}
