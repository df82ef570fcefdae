/**
 * Owns one exclusive lock that the kernel lets go the moment its process ends, however it ends. Nothing else may open the file:
 * closing any descriptor of it gives its locks away (POSIX).
 */
import fs from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';

export interface FileLock {
  release(): void;
}

/** Takes the lock, or gives undefined when another process has it. The file stays when it is released. */
export function takeFileLock(file: string): FileLock | undefined {
  fs.mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
  // Made here for its owner alone; an existing one must not be opened and closed again.
  if (!fs.existsSync(file)) fs.closeSync(fs.openSync(file, 'a', 0o600));
  const lock = new Database(file, { timeout: 0 });
  try {
    lock.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    lock.close();
    if (error instanceof Database.SqliteError && error.code.startsWith('SQLITE_BUSY')) return undefined;
    throw error;
  }
  return { release: () => lock.close() };
}
