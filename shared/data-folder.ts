/** Makes sure that the data folder is there and can be written, before anything is put into it. */
import fs from 'node:fs';
import { StoreError } from './store.ts';

/** Creates it for its owner alone when it is not there. Throws StoreError with what to do. */
export function ensureDataFolder(folder: string): void {
  try {
    fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
    fs.accessSync(folder, fs.constants.R_OK | fs.constants.W_OK | fs.constants.X_OK);
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause);
    throw new StoreError(
      `The data folder ${folder} cannot be used (${code}). Set AIVILLAGE_DATA_DIR to a folder that you may write.`,
      { cause },
    );
  }
}
