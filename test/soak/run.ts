/** `npm run soak -- PART [options of the part]`; without a part, all of them, one after the other. Exit 1 when one finds a fault. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';

const PARTS = ['kill', 'audit-tamper', 'id-collision', 'approvals', 'replicas'];

const [part, ...options] = process.argv.slice(2);
if (part !== undefined && !PARTS.includes(part)) {
  console.error(`There is no part ${part}. Parts: ${PARTS.join(', ')}.`);
  process.exit(2);
}
for (const each of part === undefined ? PARTS : [part]) {
  const file = path.join(import.meta.dirname, `${each}.ts`);
  const child = spawn(process.execPath, [file, ...options], { stdio: 'inherit' });
  const [code] = (await once(child, 'exit')) as [number | null];
  if (code !== 0) process.exitCode = 1;
}
