/** `aivillage backup FOLDER` and `aivillage restore FOLDER`: the data folder and its audit checkpoints, there and back (X4). */
import { Command } from 'commander';
import { masterSource } from '../../servers/digital-twin/keys/master-source.ts';
import { createVault } from '../../servers/digital-twin/keys/vault.ts';
import { holdTwinStill } from '../../servers/digital-twin/store/hold-still.ts';
import { backUp } from '../backup/back-up.ts';
import { restore } from '../backup/restore.ts';
import type { CliContext } from './context.ts';
import { showProgress } from './progress.ts';

export function backupCommand(context: CliContext): Command {
  return new Command('backup')
    .description('copy the data folder into a new folder; the router may go on meanwhile')
    .argument('<folder>', 'a folder that does not exist yet')
    .action(async (folder: string) => {
      const { dataDir, checkpointDir, twin } = context.settings();
      const vault = createVault(dataDir, () => masterSource(twin, dataDir));
      const progress = showProgress(context.stderr, () => performance.now());
      const { files, bytes } = await backUp(
        { dataDir, checkpointDir, folder },
        (file, copy) => holdTwinStill(vault, file, copy),
        (done, total) => progress.at(done, total, 'files copied'),
      ).finally(() => vault.close());
      progress.end();
      context.stdout.write(`${files} files, ${(bytes / 1e6).toFixed(1)} MB, in ${folder}\n`);
      context.stderr.write('It holds the keys of this village: keep it as safe as the data folder itself.\n');
      context.stderr.write(
        'What unlocks the twins is not in it: keep TWIN_PASSPHRASE, or the file of TWIN_KEY_FILE, elsewhere.\n',
      );
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
