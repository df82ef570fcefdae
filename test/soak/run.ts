/** `npm run soak -- NAME [--rounds N]`: runs one of the long tests of this folder. */
const SOAKS: Readonly<Record<string, () => Promise<unknown>>> = {
  approvals: () => import('./approvals.ts'),
  'audit-tamper': () => import('./audit-tamper.ts'),
};

const [name = ''] = process.argv.splice(2, 1);
const soak = Object.hasOwn(SOAKS, name) ? SOAKS[name] : undefined;
if (soak === undefined) {
  process.stderr.write(`Say which: ${Object.keys(SOAKS).join(', ')}.\n`);
  process.exitCode = 2;
} else await soak();
