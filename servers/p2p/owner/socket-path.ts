/** Owns where the local socket of a data folder lies: in the folder where its path is short enough, else in one of our own. */
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

/** What the system takes for the path of a socket, with room for the end mark. */
const LONGEST = 100;

/**
 * The same for every process on a data folder. Makes the folder that it lies in, for its owner alone.
 * @throws Error when that folder belongs to somebody else
 */
export function localSocketPath(dataDir: string): string {
  if (process.platform === 'win32') return `\\\\.\\pipe\\aivillage-p2p-${nameOf(dataDir)}`;
  const inside = path.join(dataDir, 'p2p.sock');
  if (Buffer.byteLength(inside) <= LONGEST) return inside;
  const folder = path.join(os.tmpdir(), `aivillage-${os.userInfo().uid}`);
  fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
  const { uid, mode } = fs.lstatSync(folder);
  if (uid !== os.userInfo().uid || (mode & 0o077) !== 0) {
    throw new Error(`${folder} is not this user's alone. Remove it, or choose a data folder with a shorter path.`);
  }
  return path.join(folder, `${nameOf(dataDir)}.sock`);
}

function nameOf(dataDir: string): string {
  return createHash('sha256').update(path.resolve(dataDir)).digest('hex').slice(0, 32);
}
