/** B02 at length: 100,000 calls with colliding ids to each kind of upstream. `npm run soak -- id-collision [CALLS]` */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';

const root = path.join(import.meta.dirname, '../..');
const vitest = path.join(root, 'node_modules/vitest/vitest.mjs');
const child = spawn(process.execPath, [vitest, 'run', 'test/e2e/id-collision.test.ts'], {
  cwd: root,
  env: { ...process.env, COLLIDING_CALLS: process.argv[2] ?? '100000' },
  stdio: 'inherit',
});
const [code] = (await once(child, 'exit')) as [number | null];
process.exitCode = code ?? 1;
