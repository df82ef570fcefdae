/** How long a router's event loop was held by one piece of work, told by the router process itself (fixtures/loop-watch.ts). */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { FIXTURES } from './village.ts';

/** Until what happened before is written. */
const WRITTEN_MS = 60;

export class Stalls {
  private readonly folder = fs.mkdtempSync(path.join(os.tmpdir(), 'stalls-'));
  private readonly file = path.join(this.folder, 'stalls');
  private taken = 0;

  /** For the router that is watched. Its own children get nothing of it. */
  get env(): Record<string, string> {
    const watcher = pathToFileURL(path.join(FIXTURES, 'loop-watch.ts'));
    watcher.searchParams.set('file', this.file);
    return { NODE_OPTIONS: `--import=${watcher.href}` };
  }

  /** The longest since the last question, in milliseconds of CPU; below 20 they are not told: 0. */
  async longestMs(): Promise<number> {
    await wait(WRITTEN_MS);
    const lines = this.lines();
    const fresh = lines.slice(this.taken);
    this.taken = lines.length;
    return Math.max(0, ...fresh.map((line) => Number(line.split(' ')[0])));
  }

  remove(): void {
    fs.rmSync(this.folder, { recursive: true, force: true });
  }

  private lines(): string[] {
    return fs.existsSync(this.file) ? fs.readFileSync(this.file, 'utf8').split('\n').slice(0, -1) : [];
  }
}
