/** The walk through the README of the monitoring server: each of its lines, as a newcomer would type it. */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect, it } from 'vitest';
import { LAUNCHER, ROOT, Village } from '../lib/village.ts';

/** What each line must show, in their order. */
const SHOWN = [
  /^$/,
  /"current".*"cpu"/s,
  /"status".*"checks"/s,
  /"rules".*disk-full/s,
  /many-calls/,
  /king/,
  /aivillage_calls_total\{.*tool="system_performance".*\} 1/,
  /"rules"(?!.*many-calls)/s,
];

it('[O1] [O2] [O5] [O6] [O7] the first five minutes with monitoring go as its README says', {
  timeout: 60_000,
}, async () => {
  const readme = fs.readFileSync(path.join(ROOT, 'servers/monitoring/README.md'), 'utf8');
  const block = /```sh\n(.*?)```/s.exec(readme)?.[1] ?? '';
  const lines = block.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  expect(lines).toHaveLength(SHOWN.length);
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'walk-'));
  const village = await Village.start({
    config: {
      mcpServers: { monitoring: { command: 'node', args: [LAUNCHER, 'serve', 'monitoring'] } },
      agents: { king: { level: 'EMERGENCY', role: 'admin' } },
    },
  });
  try {
    const { port } = new URL(village.url);
    // `npx aivillage` without looking for a package: the launcher of these sources.
    const npx = `#!/bin/sh\nshift\nexec '${process.execPath}' '${LAUNCHER}' "$@"\n`;
    fs.writeFileSync(path.join(folder, 'npx'), npx, { mode: 0o755 });
    const script = lines
      .map((line) => `${line.replace('127.0.0.1:8083', `127.0.0.1:${port}`)}\nprintf '\\f'`)
      .join('\n');
    const shown = execFileSync('bash', ['-e', '-o', 'pipefail', '-c', script], {
      env: { ...village.env, MCP_PORT: port, PATH: `${folder}:${village.env.PATH}` },
      encoding: 'utf8',
      stdio: 'pipe',
    }).split('\f');
    for (const [n, expected] of SHOWN.entries()) expect(shown[n]?.trim(), lines[n]).toMatch(expected);
  } finally {
    await village.remove();
    fs.rmSync(folder, { recursive: true });
  }
});
