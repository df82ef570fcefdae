/** Looks up where nodes join the fog server that runs on a data folder; starts none and makes no file. */
import fs from 'node:fs';
import path from 'node:path';
import { openFogStore } from '../store/open.ts';
import { createOwnership } from './owner.ts';

export async function publishedDoor(
  dataDir: string,
  now: number,
): Promise<{ readonly peerId: string; readonly addresses: readonly string[] } | undefined> {
  if (!fs.existsSync(path.join(dataDir, 'fog.db'))) return undefined;
  const store = await openFogStore(dataDir);
  try {
    return createOwnership(store, 'a reader').published(now);
  } finally {
    await store.close();
  }
}
