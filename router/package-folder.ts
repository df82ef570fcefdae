/** Where this program is installed. The sources lie in that folder, or in the published form their JavaScript in its `dist`. */
import { findPackageJSON } from 'node:module';
import path from 'node:path';

function find(): string {
  const file = findPackageJSON(import.meta.url);
  if (file === undefined) throw new Error('package.json is missing; install the package again');
  return path.dirname(file);
}

/** Full path of the folder that holds package.json, the launcher and the configuration that came with the program. */
export const PACKAGE_FOLDER: string = find();
