/** The benchmark runs as it is told in the README and its JSON holds figures; how fast anything is, is not judged here. */
import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { z } from 'zod';

const RUN = path.join(import.meta.dirname, '../bench/run.ts');
const run = promisify(execFile);

const report = z.object({
  errors: z.number(),
  figures: z.array(z.object({ name: z.string(), value: z.number().positive(), bare: z.number().positive() })),
  cells: z.array(z.object({ name: z.string(), router: z.array(z.object({ calls: z.number().positive() })).min(1) })),
});

it('measures the router beside the bare relay, every reply right, and prints one JSON object', async () => {
  const { stdout } = await run(process.execPath, [RUN, '--json', '--quick', '--only', 'stdio-16']);
  const { errors, figures, cells } = report.parse(JSON.parse(stdout));
  expect(errors).toBe(0);
  expect(cells.map(({ name }) => name)).toEqual(['stdio-16']);
  expect(figures.map(({ name }) => name)).toEqual([
    'stdio-16.calls_per_second',
    'stdio-16.cpu_us_per_call',
    'stdio-16.p50_ms',
    'stdio-16.p99_ms',
  ]);
}, 120_000);

it('refuses the name of a part that does not exist, with the names that do', async () => {
  const refused = await run(process.execPath, [RUN, '--only', 'everything']).catch((error: unknown) => error);
  expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining('stdio-64') });
});
