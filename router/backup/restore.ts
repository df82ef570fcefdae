/** Puts a backup back, only where nothing is: what is there is never overwritten, and its audit is evidence. */
import fs from 'node:fs';
import path from 'node:path';
import { BackupError, CHECKPOINTS, DATA, type Folders } from './folders.ts';

/** @throws BackupError when the folder is no backup, or there is something where it would go */
export async function restore({ dataDir, checkpointDir, folder }: Folders): Promise<{ files: number }> {
  if (!fs.existsSync(path.join(folder, DATA)))
    throw new BackupError(`${folder} is no backup: it has no folder ${DATA}.`);
  for (const target of [dataDir, checkpointDir]) {
    if (fs.existsSync(target) && fs.readdirSync(target).length > 0) {
      throw new BackupError(
        `${target} is not empty. Stop the router and move it away first: an audit that is replaced is evidence of what came between.`,
      );
    }
  }
  let files = copyTree(path.join(folder, DATA), dataDir);
  if (fs.existsSync(path.join(folder, CHECKPOINTS))) files += copyTree(path.join(folder, CHECKPOINTS), checkpointDir);
  return { files };
}

function copyTree(from: string, to: string): number {
  fs.mkdirSync(to, { recursive: true, mode: 0o700 });
  let files = 0;
  for (const entry of fs.readdirSync(from, { withFileTypes: true })) {
    const [source, target] = [path.join(from, entry.name), path.join(to, entry.name)];
    if (entry.isDirectory()) files += copyTree(source, target);
    else if (entry.isFile()) {
      fs.copyFileSync(source, target);
      fs.chmodSync(target, 0o600);
      files++;
    }
  }
  return files;
}
