/**
 * Runs the official conformance suite (the package @modelcontextprotocol/conformance, as package.json pins it) against one
 * address and counts its checks. Judges nothing: what the counts must be, its users say.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';

export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly warnings: number;
  readonly skipped: number;
}

export interface SuiteResult {
  readonly counts: Counts;
  /** Each check as `scenario: id`, as often as it passed. */
  readonly passed: readonly string[];
  /** Scenarios and checks that did not pass, with why; scenarios in which nothing of their own was tested too. */
  readonly problems: readonly string[];
}

interface Check {
  readonly id: string;
  readonly status: 'SUCCESS' | 'FAILURE' | 'WARNING' | 'SKIPPED' | 'INFO';
  readonly description: string;
  readonly errorMessage?: string;
}

const SUITE = createRequire(import.meta.url).resolve('@modelcontextprotocol/conformance/dist/index.js');
const SCENARIO_TIMEOUT_MS = 30_000;

/** @throws Error with the suite's last words when it ran nothing */
export async function runSuite(url: string, specVersion: string): Promise<SuiteResult> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'conformance-'));
  try {
    const words = await runCommand(url, specVersion, folder);
    const scenarios = readScenarios(folder);
    if (scenarios.size === 0) throw new Error(`the suite ran nothing at ${url}: ${words.slice(-500)}`);
    return summary(scenarios);
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

/** Its exit code says little: it ends with 1 when a check warns, and with 0 when a scenario tested nothing. */
async function runCommand(url: string, specVersion: string, folder: string): Promise<string> {
  const options = ['--url', url, '--suite', 'all', '--spec-version', specVersion, '-o', folder];
  const child = spawn(process.execPath, [SUITE, 'server', ...options, '--timeout', String(SCENARIO_TIMEOUT_MS)], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let words = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      words += text;
    });
  }
  await once(child, 'close');
  return words;
}

/** Folders are named `server-SCENARIO-TIME`. */
function readScenarios(folder: string): Map<string, Check[]> {
  const scenarios = new Map<string, Check[]>();
  for (const name of fs.readdirSync(folder)) {
    const file = path.join(folder, name, 'checks.json');
    if (!fs.existsSync(file)) continue;
    const scenario = name.replace(/^server-/, '').replace(/-\d{4}-\d\d-\d\dT[\dZ-]+$/, '');
    scenarios.set(scenario, JSON.parse(fs.readFileSync(file, 'utf8')) as Check[]);
  }
  return scenarios;
}

function summary(scenarios: ReadonlyMap<string, readonly Check[]>): SuiteResult {
  const counts = { passed: 0, failed: 0, warnings: 0, skipped: 0 };
  const passed: string[] = [];
  const problems: string[] = [];
  for (const [scenario, checks] of scenarios) {
    for (const { id, status, errorMessage, description } of checks) {
      if (status === 'INFO') continue;
      const kind = KINDS[status];
      counts[kind]++;
      if (kind === 'passed') passed.push(`${scenario}: ${id}`);
      else problems.push(`${scenario}: ${id}: ${status.toLowerCase()}: ${errorMessage ?? description}`);
    }
    // Checks of the form of messages pass against anything that answers.
    const isExercised = checks.some(({ id, status }) => status !== 'INFO' && !id.startsWith('wire-schema-'));
    if (!isExercised) problems.push(`${scenario}: not exercised`);
  }
  return { counts, passed: passed.sort(), problems };
}

const KINDS = { SUCCESS: 'passed', FAILURE: 'failed', WARNING: 'warnings', SKIPPED: 'skipped' } as const;
