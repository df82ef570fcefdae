/**
 * Follows what mcp-servers.json says for all servers of the village, inside one of them: looked at when it is asked for, read
 * anew when the file is another. A file that is broken changes nothing.
 */
import fs from 'node:fs';
import type { Log } from '../../shared/log.ts';
import type { Village } from './config.ts';
import { loadVillage } from './load.ts';

/**
 * @returns the village of now; the same object until the file changed
 * @throws ConfigError at once when the file cannot be used from the beginning
 */
export function followVillage(file: string, log: Log): () => Village {
  const markOf = (): string => {
    const stat = fs.statSync(file, { throwIfNoEntry: false });
    return stat === undefined ? '' : `${stat.ino}:${stat.mtimeMs}:${stat.size}`;
  };
  let mark = markOf();
  let village = loadVillage(file);
  return () => {
    const now = markOf();
    if (now === mark) return village;
    mark = now;
    try {
      village = loadVillage(file);
    } catch (error) {
      const problem = error instanceof Error ? error.message : String(error);
      log.error({ problem }, 'the changed configuration is not used');
    }
    return village;
  };
}
