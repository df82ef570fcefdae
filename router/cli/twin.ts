/** `aivillage twin rotate`: locks the twins of the data folder with a new key, or with another kind of lock. */
import { Command, Option } from 'commander';
import { SOURCES, type SourceKind } from '../../servers/digital-twin/keys/master-key.ts';
import { kindOf, masterSource, sourceOfKind } from '../../servers/digital-twin/keys/master-source.ts';
import { createVault } from '../../servers/digital-twin/keys/vault.ts';
import { askNewPassword } from './ask-password.ts';
import type { CliContext } from './context.ts';
import { CommandError } from './failure.ts';

const MIN_PASSPHRASE = 12;

const SETTINGS: Readonly<Record<SourceKind, string>> = {
  file: 'Unset TWIN_PASSPHRASE and TWIN_KEYCHAIN before the next start.',
  passphrase: 'Set TWIN_PASSPHRASE to the new passphrase before the next start.',
  keychain: 'Unset TWIN_PASSPHRASE and set TWIN_KEYCHAIN=1 before the next start.',
};

export function twinCommand(context: CliContext): Command {
  const twin = new Command('twin').description("the lock on people's private memories");
  twin
    .command('rotate')
    .description('lock all twins with a new key; they must be unlocked by the settings as they are now')
    .addOption(new Option('--to <lock>', 'another kind of lock').choices(SOURCES))
    .action((options: { to?: SourceKind }) => rotate(context, options.to));
  return twin;
}

async function rotate(context: CliContext, asked: SourceKind | undefined): Promise<void> {
  const { dataDir, twin } = context.settings();
  const before = kindOf(twin);
  const to = asked ?? before;
  const passphrase = to === 'passphrase' ? await askPassphrase(context) : undefined;
  const vault = createVault(dataDir, () => masterSource(twin, dataDir));
  try {
    const count = await vault.rotate(sourceOfKind(to, twin, dataDir, passphrase));
    if (count === 0) {
      context.stdout.write('There are no twins in this data folder yet.\n');
      return;
    }
    context.stdout.write(`${count} twins are locked with a new key (${to})\n`);
    if (to !== before || to === 'passphrase') context.stderr.write(`${SETTINGS[to]}\n`);
  } finally {
    await vault.close();
  }
}

async function askPassphrase(context: CliContext): Promise<string> {
  const passphrase = await askNewPassword(context.identity());
  if (passphrase.length >= MIN_PASSPHRASE) return passphrase;
  throw new CommandError(`A passphrase of at least ${MIN_PASSPHRASE} characters was expected; nothing was changed.`);
}
