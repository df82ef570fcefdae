/** The version of this program, from its package. */
import { createRequire, findPackageJSON } from 'node:module';

function readVersion(): string {
  const file = findPackageJSON(import.meta.url);
  if (file === undefined) throw new Error('package.json is missing; install the package again');
  return (createRequire(import.meta.url)(file) as { version: string }).version;
}

export const VERSION: string = readVersion();
