/**
 * Owns files that hold a secret: made once with owner-only rights, whole or not at all also when several processes start
 * together, and refused when others could read or replace them.
 */
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';

const MAX_BYTES = 16_384;

/** Something about keys or secrets must be put right before a start. The message is fit for the user. */
export class IdentitySetupError extends Error {
  override readonly name = 'IdentitySetupError';
}

/**
 * The text of a key file; `make` says what a new one holds. All processes that come at once get the same text.
 * @throws IdentitySetupError when others have rights on the file or its folder
 */
export function loadOrCreateKeyFile(file: string, make: () => string): string {
  const folder = path.dirname(file);
  fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
  refuseSharedFolder(folder);
  const found = readKeyFile(file);
  if (found !== undefined) return found;
  const draft = `${file}.${crypto.randomUUID()}`;
  try {
    fs.writeFileSync(draft, make(), { mode: 0o600, flag: 'wx', flush: true });
    // A link, unlike a rename, does not replace what another process put there first.
    fs.linkSync(draft, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    fs.rmSync(draft, { force: true });
  }
  const made = readKeyFile(file);
  if (made === undefined) throw new IdentitySetupError(`${file} vanished while it was made. Start again.`);
  return made;
}

/** The text of a key file, or undefined when there is none. Throws IdentitySetupError when it is not ours alone. */
function readKeyFile(file: string): string | undefined {
  const { O_RDONLY, O_NOFOLLOW } = fs.constants;
  let descriptor: number;
  try {
    descriptor = fs.openSync(file, O_RDONLY | (O_NOFOLLOW ?? 0));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return undefined;
    if (code === 'ELOOP') {
      throw new IdentitySetupError(`${file} is a symbolic link; put the key file itself in its place.`);
    }
    if (code === 'EACCES') {
      throw new IdentitySetupError(`${file} cannot be read: only the owner of the data folder can use its keys.`);
    }
    throw error;
  }
  try {
    const stat = fs.fstatSync(descriptor);
    if (!stat.isFile() || stat.size === 0 || stat.size > MAX_BYTES) {
      throw new IdentitySetupError(
        `${file} holds no key. Remove it and a new one is made; what the old one signed is then no longer valid.`,
      );
    }
    if (hasPosixRights && (stat.mode & 0o077) !== 0) {
      throw new IdentitySetupError(
        `${file} has rights ${octal(stat.mode)}, expected 600: others can read or change this key. ` +
          `Run: chmod 600 ${file}. If others may have read it, remove it instead, and a new one is made.`,
      );
    }
    return fs.readFileSync(descriptor, 'utf8');
  } finally {
    fs.closeSync(descriptor);
  }
}

function refuseSharedFolder(folder: string): void {
  const { mode } = fs.statSync(folder);
  if (hasPosixRights && (mode & 0o022) !== 0) {
    throw new IdentitySetupError(
      `${folder} has rights ${octal(mode)}: others can replace the keys in it. Run: chmod 700 ${folder}`,
    );
  }
}

const hasPosixRights = process.platform !== 'win32';

function octal(mode: number): string {
  return (mode & 0o777).toString(8).padStart(3, '0');
}
