/** `npm run soak -- PART [options of the part]`; without a part, all but those on request, one after the other. Exit 1 when one finds a fault. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';

const PARTS = ['kill', 'audit-tamper', 'id-collision', 'approvals', 'replicas', 'ledger', 'broadcast'];
/** Needs packages that the project does not have. */
const ON_REQUEST = ['onnx'];

const [part, ...options] = process.argv.slice(2);
const known = [...PARTS, ...ON_REQUEST];
if (part !== undefined && !known.includes(part)) {
  console.error(`There is no part ${part}. Parts: ${known.join(', ')}.`);
  process.exit(2);
}
for (const each of part === undefined ? PARTS : [part]) {
  const file = path.join(import.meta.dirname, `${each}.ts`);
  const child = spawn(process.execPath, [file, ...options], { stdio: 'inherit' });
  const [code] = (await once(child, 'exit')) as [number | null];
  if (code !== 0) process.exitCode = 1;
}
