/**
 * Where the master key of the twins comes from: a passphrase, a key file outside the data folder, or the system's keychain. Never
 * makes a second key where there was one, and never prints any.
 */
import { createHash, randomBytes, scrypt } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { loadOrCreateKeyFile } from '../../../shared/identity/key-file.ts';
import { StoreError } from '../../../shared/store.ts';

export const SOURCES = ['file', 'passphrase', 'keychain'] as const;
export type SourceKind = (typeof SOURCES)[number];

export interface MasterKeySource {
  readonly kind: SourceKind;
  /**
   * The keys that may be the one, the likeliest first; more than one only while a rotation was cut off.
   * @param salt of the vault, for keys that are derived
   * @throws StoreError, IdentitySetupError with what to do when there is none
   */
  load(salt: Uint8Array): Promise<readonly Uint8Array[]>;
  /** The first key of a new vault; made where there is none yet. */
  create(salt: Uint8Array): Promise<Uint8Array>;
  /** Prepares another key. `commit` puts it in the place of the old one, once the vault is locked with it. */
  replace(salt: Uint8Array): Promise<{ readonly key: Uint8Array; commit(): Promise<void> }>;
  /** Told which of the loaded keys was the right one, so that a rotation that was cut off is completed. */
  settle(key: Uint8Array): void;
}

export const KEY_BYTES = 32;
/** RFC 7914; 128 MiB and about 0.4 s, as OWASP asks for passwords. */
const SCRYPT = { N: 2 ** 17, r: 8, p: 1, maxmem: 2 ** 28 } as const;

export function passphraseSource(passphrase: string, next?: string): MasterKeySource {
  const derive = (text: string, salt: Uint8Array) =>
    new Promise<Uint8Array>((resolve, reject) => {
      scrypt(text.normalize('NFKC'), salt, KEY_BYTES, SCRYPT, (error, key) => (error ? reject(error) : resolve(key)));
    });
  return {
    kind: 'passphrase',
    load: async (salt) => [await derive(passphrase, salt)],
    create: (salt) => derive(passphrase, salt),
    replace: async (salt) => ({ key: await derive(next ?? passphrase, salt), commit: async () => {} }),
    settle() {},
  };
}

/** @throws StoreError when the file would lie in the data folder: whoever has that would have the key too */
export function fileSource(file: string, dataDir: string): MasterKeySource {
  const relative = path.relative(path.resolve(dataDir), path.resolve(file));
  if (!relative.startsWith('..') && !path.isAbsolute(relative)) {
    throw new StoreError('The key of the twins must not lie in the data folder. Set TWIN_KEY_FILE to another place.');
  }
  const next = `${file}.next`;
  const make = () => `${randomBytes(KEY_BYTES).toString('base64url')}\n`;
  const missing = (): never => {
    throw new StoreError(
      `${file} is missing: it holds the key of the twins in the data folder, and without it they cannot be read. Put it back ` +
        'from a backup, or set TWIN_KEY_FILE to where it is now.',
    );
  };
  const read = (at: string, orElse: () => string) => decode(loadOrCreateKeyFile(at, orElse), at);
  return {
    kind: 'file',
    load: async () => [...(fs.existsSync(next) ? [read(next, missing)] : []), read(file, missing)],
    create: async () => read(file, make),
    async replace() {
      fs.rmSync(next, { force: true });
      return { key: read(next, make), commit: async () => fs.renameSync(next, file) };
    },
    settle(key) {
      if (fs.existsSync(next) && Buffer.from(read(next, missing)).equals(key)) fs.renameSync(next, file);
    },
  };
}

const KEYCHAIN_TIMEOUT_MS = 5_000;

/** The Secret Service, by libsecret's `secret-tool`. */
export function keychainSource(dataDir: string): MasterKeySource {
  const folder = createHash('sha256').update(path.resolve(dataDir)).digest('hex').slice(0, 16);
  const attributes = (slot: 'current' | 'next') => ['service', 'aivillage', 'twins', folder, 'slot', slot];

  async function tool(args: readonly string[], input?: string): Promise<string | undefined> {
    const { execa } = await import('execa');
    const options = { timeout: KEYCHAIN_TIMEOUT_MS, reject: false, ...(input === undefined ? {} : { input }) };
    const { stdout, exitCode, timedOut, code } = await execa('secret-tool', args, options);
    if (code === 'ENOENT') {
      throw new StoreError(
        'TWIN_KEYCHAIN is set, but there is no secret-tool here. Install libsecret-tools, or unset it to use a key file.',
      );
    }
    if (timedOut === true) {
      throw new StoreError(
        `The keychain did not answer within ${KEYCHAIN_TIMEOUT_MS / 1000} s; unlock it and try again.`,
      );
    }
    return exitCode === 0 ? stdout.trim() : undefined;
  }

  async function store(slot: 'current' | 'next', key: Uint8Array): Promise<void> {
    const args = ['store', '--label=AIVillage twins', ...attributes(slot)];
    if ((await tool(args, Buffer.from(key).toString('base64url'))) === undefined) {
      throw new StoreError('The keychain did not take the key of the twins; unlock it and try again.');
    }
  }

  async function lookup(slot: 'current' | 'next'): Promise<Uint8Array | undefined> {
    const text = await tool(['lookup', ...attributes(slot)]);
    return text === undefined || text === '' ? undefined : decode(text, 'The keychain');
  }

  return {
    kind: 'keychain',
    async load() {
      const keys = [await lookup('next'), await lookup('current')].filter((key) => key !== undefined);
      if (keys.length > 0) return keys;
      throw new StoreError(
        'The keychain has no key for the twins of this data folder; unlock it, or put the key back.',
      );
    },
    async create() {
      const key = (await lookup('current')) ?? randomBytes(KEY_BYTES);
      await store('current', key);
      return key;
    },
    async replace() {
      const key = randomBytes(KEY_BYTES);
      await store('next', key);
      return { key, commit: () => store('current', key) };
    },
    settle() {},
  };
}

function decode(text: string, where: string): Uint8Array {
  const key = Buffer.from(text.trim(), 'base64url');
  if (key.length === KEY_BYTES) return key;
  throw new StoreError(`${where} holds no key of the twins: expected ${KEY_BYTES} octets, got ${key.length}.`);
}
