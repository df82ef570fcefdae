/** Owns the artefacts of the forge in the data folder, each under the SHA-256 of its bytes; written once, never changed. */
import { createHash, randomUUID } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { AppError } from '../../../shared/errors.ts';

export interface StoredObject {
  readonly sha256: string;
  readonly bytes: number;
}

export interface ObjectStore {
  /** Takes a copy of a file. */
  add(file: string): Promise<StoredObject>;
  addText(text: string): Promise<StoredObject>;
  /** The full path of what has this digest. @throws AppError UNKNOWN_NAME */
  locate(sha256: string): string;
  readText(sha256: string): string;
}

const DIGEST = /^[0-9a-f]{64}$/;

/** @param folder is made with owner-only rights */
export function createObjectStore(folder: string): ObjectStore {
  fs.mkdirSync(folder, { recursive: true, mode: 0o700 });

  function placeOf(sha256: string): string {
    if (!DIGEST.test(sha256))
      throw new AppError('INVALID_PARAMS', { text: 'expected a SHA-256 in 64 hexadecimal digits' });
    return path.join(folder, sha256.slice(0, 2), sha256);
  }

  async function add(file: string): Promise<StoredObject> {
    const temporary = path.join(folder, `.${randomUUID()}`);
    const hash = createHash('sha256');
    let bytes = 0;
    try {
      await pipeline(
        fs.createReadStream(file),
        async function* count(source: AsyncIterable<Buffer>) {
          for await (const piece of source) {
            hash.update(piece);
            bytes += piece.length;
            yield piece;
          }
        },
        fs.createWriteStream(temporary, { mode: 0o400, flush: true }),
      );
      const sha256 = hash.digest('hex');
      const place = placeOf(sha256);
      fs.mkdirSync(path.dirname(place), { recursive: true, mode: 0o700 });
      fs.renameSync(temporary, place);
      return { sha256, bytes };
    } finally {
      fs.rmSync(temporary, { force: true });
    }
  }

  return {
    add,
    async addText(text) {
      const temporary = path.join(folder, `.${randomUUID()}.text`);
      try {
        fs.writeFileSync(temporary, text, { mode: 0o600 });
        return await add(temporary);
      } finally {
        fs.rmSync(temporary, { force: true });
      }
    },
    locate(sha256) {
      const place = placeOf(sha256);
      if (!fs.existsSync(place)) throw new AppError('UNKNOWN_NAME', { text: `Unknown artefact: ${sha256}` });
      return place;
    },
    readText: (sha256) => fs.readFileSync(placeOf(sha256), 'utf8'),
  };
}
