/**
 * The folders that the owner opened to a server, and whether a path that somebody named lies inside one: links are followed to
 * where they lead. Reads no content.
 */
import fs from 'node:fs/promises';
import path from 'node:path';

/** A folder that may be read. */
export interface Folder {
  /** Full path without links. */
  readonly real: string;
  /** As the owner named it. */
  readonly given: string;
  /** What stands for it in ids. */
  readonly label: string;
}

/** Those of the owner's folders that exist. */
export async function openFolders(given: readonly string[]): Promise<Folder[]> {
  const folders: Folder[] = [];
  for (const folder of given) {
    const real = await fs.realpath(folder).catch(() => undefined);
    if (real === undefined || folders.some((known) => known.real === real)) continue;
    const base = path.basename(real) || 'root';
    const same = folders.filter(({ label }) => label === base || label.startsWith(`${base}~`)).length;
    folders.push({ real, given: path.resolve(folder), label: same === 0 ? base : `${base}~${same + 1}` });
  }
  return folders;
}

/**
 * A relative path is one inside the first folder. Outside, nobody learns whether there is something: `outside` comes also for
 * what does not exist there.
 */
export async function resolveInside(
  asked: string,
  folders: readonly [Folder, ...Folder[]],
): Promise<{ readonly real: string } | 'absent' | 'outside'> {
  const full = path.resolve(folders[0].real, asked);
  const isNamedInside = folders.some(({ real, given }) => isInside(full, real) || isInside(full, given));
  const real = isNamedInside ? await fs.realpath(full).catch(() => undefined) : undefined;
  if (isNamedInside && real === undefined) return 'absent';
  return real !== undefined && folderOf(real, folders) ? { real } : 'outside';
}

export function folderOf(real: string, folders: readonly Folder[]): Folder | undefined {
  return folders.find((folder) => isInside(real, folder.real));
}

function isInside(full: string, folder: string): boolean {
  const relative = path.relative(folder, full);
  return relative !== '..' && !relative.startsWith(`..${path.sep}`) && !path.isAbsolute(relative);
}
