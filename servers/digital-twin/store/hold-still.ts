/** Lets a backup copy a twin's store whole: an encrypted file cannot be copied by SQLite without its key. */
import path from 'node:path';
import { TWIN_SUFFIX, type Vault } from '../keys/vault.ts';
import { openTwinStore } from './open.ts';

/**
 * Runs `copy` while nobody writes to the file; at once when it is no twin's store or has no key any more.
 * @throws StoreError when the twins cannot be unlocked
 */
export async function holdTwinStill(vault: Vault, file: string, copy: () => void): Promise<void> {
  const found = file.endsWith(TWIN_SUFFIX) ? await vault.find(path.basename(file, TWIN_SUFFIX)) : undefined;
  if (found === undefined) {
    copy();
    return;
  }
  const store = await openTwinStore({ file, key: found.key, mayMake: false });
  try {
    await store.holdStill(copy);
  } finally {
    await store.close();
  }
}
