/**
 * Finds the files under the paths that somebody named, and only inside the folders that the owner opened: links are followed to
 * where they lead and refused outside. Reads no content.
 */
import fs from 'node:fs/promises';
import path from 'node:path';
import { AppError } from '../../../shared/errors.ts';
import { type Folder, folderOf, resolveInside } from '../../../shared/folders.ts';
import type { Skipped } from './draft.ts';

export interface FoundFile {
  /** Full path without links. */
  readonly file: string;
  /** Label of its folder and the way inside, with `/`. */
  readonly id: string;
}

const MOST_FILES = 100_000;

/**
 * The files under the named paths, each once, folders in the order of names. Hidden entries of folders are passed over.
 * @throws AppError INVALID_PARAMS when a path leads outside, before anything is found
 */
export async function* findFiles(
  paths: readonly string[],
  folders: readonly Folder[],
): AsyncGenerator<FoundFile | Skipped> {
  const [first, ...others] = folders;
  if (first === undefined) {
    throw new AppError('INVALID_PARAMS', {
      text: 'No folder is open for ingesting. Send the text in `documents`, or ask the owner to set HYPERRAG_FOLDERS.',
    });
  }
  const starts = [];
  for (const asked of paths) starts.push(await resolveNamed(asked, [first, ...others]));
  const seen = new Set<string>();
  for (const start of starts) {
    if ('reason' in start) yield start;
    else yield* walk(start.real, folders, seen);
  }
}

async function* walk(real: string, folders: readonly Folder[], seen: Set<string>): AsyncGenerator<FoundFile | Skipped> {
  if (seen.has(real)) return;
  seen.add(real);
  const folder = folderOf(real, folders);
  if (!folder) return;
  const id = idOf(real, folder);
  if (seen.size > MOST_FILES) {
    yield { id, reason: `More than ${MOST_FILES} files were named; ingest the rest in parts.` };
    return;
  }
  const stat = await fs.stat(real).catch(() => undefined);
  if (stat?.isFile()) {
    yield { file: real, id };
    return;
  }
  if (!stat?.isDirectory()) {
    yield { id, reason: stat ? 'It is neither a file nor a folder.' : 'It cannot be read.' };
    return;
  }
  const names = await fs.readdir(real).catch(() => undefined);
  if (names === undefined) {
    yield { id, reason: 'The folder cannot be read.' };
    return;
  }
  for (const name of names.filter((each) => !each.startsWith('.')).sort()) {
    const to = await fs.realpath(path.join(real, name)).catch(() => undefined);
    if (to === undefined) yield { id: `${id}/${name}`, reason: 'It is a link that leads nowhere.' };
    else if (!folderOf(to, folders)) yield { id: `${id}/${name}`, reason: 'It is a link out of the open folders.' };
    else yield* walk(to, folders, seen);
  }
}

/** Outside, nobody learns whether there is something. */
async function resolveNamed(
  asked: string,
  folders: readonly [Folder, ...Folder[]],
): Promise<{ real: string } | Skipped> {
  const found = await resolveInside(asked, folders);
  if (found === 'absent') return { id: asked, reason: 'There is no such file or folder.' };
  if (found !== 'outside') return found;
  throw new AppError('INVALID_PARAMS', {
    text: 'A path lies outside the folders that are open for ingesting; nothing was ingested. The owner opens folders with HYPERRAG_FOLDERS.',
  });
}

function idOf(real: string, folder: Folder): string {
  const relative = path.relative(folder.real, real).split(path.sep).join('/');
  return relative === '' ? folder.label : `${folder.label}/${relative}`;
}
