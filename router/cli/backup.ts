/** `aivillage backup FOLDER` and `aivillage restore FOLDER`: the data folder and its audit checkpoints, there and back (X4). */
import { Command } from 'commander';
import { backUp } from '../backup/back-up.ts';
import { restore } from '../backup/restore.ts';
import type { CliContext } from './context.ts';

export function backupCommand(context: CliContext): Command {
  return new Command('backup')
    .description('copy the data folder into a new folder; the router may go on meanwhile')
    .argument('<folder>', 'a folder that does not exist yet')
    .action(async (folder: string) => {
      const { dataDir, checkpointDir } = context.settings();
      const { files, bytes } = await backUp({ dataDir, checkpointDir, folder });
      context.stdout.write(`${files} files, ${(bytes / 1e6).toFixed(1)} MB, in ${folder}\n`);
      context.stderr.write('It holds the keys of this village: keep it as safe as the data folder itself.\n');
    });
}

export function restoreCommand(context: CliContext): Command {
  return new Command('restore')
    .description('put a backup back into an empty data folder')
    .argument('<folder>', 'a folder that `aivillage backup` made')
    .action(async (folder: string) => {
      const { dataDir, checkpointDir } = context.settings();
      const { files } = await restore({ dataDir, checkpointDir, folder });
      context.stdout.write(`${files} files restored to ${dataDir}; check them with: npx aivillage audit verify\n`);
    });
}
