/**
 * Owns the audit's one secret, an Ed25519 key in the data folder, and what is derived from it. Its public half is pinned
 * beside the checkpoints at first use; a data folder whose key is another one is refused.
 */
import crypto, { type KeyObject } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';

/** The audit cannot be opened as it stands. The message is fit for the user: what was expected, what came, what to do. */
export class AuditSetupError extends Error {
  override readonly name = 'AuditSetupError';
}

export interface AuditKeys {
  readonly signing: KeyObject;
  readonly verifying: KeyObject;
  /** For keyed digests of arguments: a text of hexadecimal digits. */
  readonly digest: string;
  /** 64 hexadecimal digits, for sealHash. */
  readonly seal: string;
}

const keyFile = (dataDir: string) => path.join(dataDir, 'keys', 'audit-signing.pem');
const pinFile = (checkpointDir: string) => path.join(checkpointDir, 'audit-public.pem');

/** Reads or makes the key and pins its public half. Call it under the database's write lock: two processes may start at once. */
export function openKeys(dataDir: string, checkpointDir: string, hasRecords: boolean): AuditKeys {
  const file = keyFile(dataDir);
  const pin = pinFile(checkpointDir);
  if (!fs.existsSync(file)) {
    if (hasRecords || fs.existsSync(pin)) {
      throw new AuditSetupError(
        `The audit's signing key ${file} is gone although records signed with it exist. Restore it from the backup; ` +
          'to begin a new audit instead, move audit.db, audit.checkpoint and the checkpoint folder away.',
      );
    }
    fs.mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
    const { privateKey } = crypto.generateKeyPairSync('ed25519');
    writeWhole(file, privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(), 0o600);
  }
  const keys = deriveKeys(fs.readFileSync(file, 'utf8'), file);
  fs.mkdirSync(checkpointDir, { recursive: true, mode: 0o700 });
  if (!fs.existsSync(pin)) writeWhole(pin, publicPem(keys.verifying), 0o644);
  if (fs.readFileSync(pin, 'utf8') !== publicPem(keys.verifying)) {
    throw new AuditSetupError(
      `The public key pinned in ${pin} belongs to another signing key than ${file}. Each data folder needs a checkpoint ` +
        'folder of its own; if the key was replaced, restore the old one.',
    );
  }
  return keys;
}

/** For verification: never writes. Undefined when there is no key, a text when key and pin disagree. */
export function readKeys(dataDir: string, checkpointDir: string): AuditKeys | string {
  const file = keyFile(dataDir);
  if (!fs.existsSync(file)) return 'the signing key in the data folder is missing';
  let keys: AuditKeys;
  try {
    keys = deriveKeys(fs.readFileSync(file, 'utf8'), file);
  } catch (error) {
    if (error instanceof AuditSetupError) return 'the signing key in the data folder is damaged';
    throw error;
  }
  const pin = pinFile(checkpointDir);
  if (!fs.existsSync(pin)) return 'the public key beside the checkpoints is missing';
  if (fs.readFileSync(pin, 'utf8') !== publicPem(keys.verifying)) {
    return 'the signing key is not the one whose public key was pinned beside the checkpoints';
  }
  return keys;
}

/**
 * SHA-256, base64url, between two copies of a key of this data folder (the envelope method, RFC 1828): equal values can be
 * recognised, none can be guessed. One call of the library, where HMAC takes three and ten times as long.
 */
export function keyedDigest({ digest }: Pick<AuditKeys, 'digest'>, octets: string): string {
  return crypto.hash('sha256', digest + octets + digest, 'base64url');
}

/** Writes beside and renames, so that a file is there whole or not at all. */
function writeWhole(file: string, text: string, mode: number): void {
  const partial = `${file}.${process.pid}.partial`;
  fs.writeFileSync(partial, text, { mode });
  fs.renameSync(partial, file);
}

function deriveKeys(pem: string, file: string): AuditKeys {
  let signing: KeyObject;
  try {
    signing = crypto.createPrivateKey(pem);
  } catch (cause) {
    throw new AuditSetupError(`${file} is not a private key in PEM form. Restore it from the backup.`, { cause });
  }
  if (signing.asymmetricKeyType !== 'ed25519') {
    throw new AuditSetupError(`${file} must be an Ed25519 key, not ${signing.asymmetricKeyType}. Restore it.`);
  }
  const seed = signing.export({ format: 'jwk' }).d!;
  const derive = (use: string) =>
    Buffer.from(crypto.hkdfSync('sha256', Buffer.from(seed, 'base64url'), '', `aivillage audit ${use}`, 32));
  return {
    signing,
    verifying: crypto.createPublicKey(signing),
    digest: derive('digest').toString('hex'),
    seal: derive('seal').toString('hex'),
  };
}

function publicPem(key: KeyObject): string {
  return key.export({ type: 'spki', format: 'pem' }).toString();
}
