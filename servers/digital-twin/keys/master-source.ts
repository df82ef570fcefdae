/** Which source of the master key the settings name. Reads no environment itself. */
import type { TwinSettings } from '../../../shared/settings.ts';
import { fileSource, keychainSource, type MasterKeySource, passphraseSource, type SourceKind } from './master-key.ts';

type KeySettings = Pick<TwinSettings, 'passphrase' | 'keyFile' | 'usesKeychain'>;

/** A passphrase comes before the keychain, and that before a file. @throws StoreError for a key file in the data folder */
export function masterSource(settings: KeySettings, dataDir: string, newPassphrase?: string): MasterKeySource {
  return sourceOfKind(kindOf(settings), settings, dataDir, newPassphrase);
}

export function kindOf({ passphrase, usesKeychain }: KeySettings): SourceKind {
  if (passphrase !== undefined) return 'passphrase';
  return usesKeychain ? 'keychain' : 'file';
}

export function sourceOfKind(
  kind: SourceKind,
  { passphrase = '', keyFile }: KeySettings,
  dataDir: string,
  newPassphrase?: string,
): MasterKeySource {
  switch (kind) {
    case 'passphrase':
      return passphraseSource(passphrase, newPassphrase);
    case 'keychain':
      return keychainSource(dataDir);
    case 'file':
      return fileSource(keyFile, dataDir);
  }
}
