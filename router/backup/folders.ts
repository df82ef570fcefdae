/** The shape of a backup: `data/` and `checkpoints/` below one folder. */
import path from 'node:path';

export const DATA = 'data';
export const CHECKPOINTS = 'checkpoints';

export interface Folders {
  readonly dataDir: string;
  readonly checkpointDir: string;
  /** The backup. */
  readonly folder: string;
}

/**
 * Runs `copy` while nobody writes to a file that is locked with a key, and all of it is in the file itself; just so for files that
 * are no such.
 */
export type HoldStill = (file: string, copy: () => void) => Promise<void>;

/** Fit for the user. */
export class BackupError extends Error {
  override readonly name = 'BackupError';
}

/** Logs, SQLite's side files, and the locks by which processes show that they live. */
export function isLeftOut(file: string): boolean {
  const [first = ''] = file.split(path.sep);
  return first === 'logs' || /\.owners?$/.test(first) || /-(?:wal|shm|journal)$/.test(file);
}
