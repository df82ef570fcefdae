/** The version of this program, from its package. */
import { createRequire } from 'node:module';
import path from 'node:path';
import { PACKAGE_FOLDER } from './package-folder.ts';

function readVersion(): string {
  const file = path.join(PACKAGE_FOLDER, 'package.json');
  return (createRequire(import.meta.url)(file) as { version: string }).version;
}

export const VERSION: string = readVersion();
