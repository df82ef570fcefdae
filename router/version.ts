/** The version of this program, from its package. */
import { createRequire, findPackageJSON } from 'node:module';

const file = findPackageJSON(import.meta.url);
export const VERSION: string =
  file === undefined ? '0.0.0' : (createRequire(import.meta.url)(file) as { version: string }).version;
