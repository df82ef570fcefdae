/**
 * D15: `--seeds N` (20) schedules of `--seconds S` (600) each. Under mixed load something breaks every second or two: a copy of the server
 * is killed or hangs, the router is killed and comes back, its configuration changes. Then what clients were told is compared with
 * the ledger and the audit.
 */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { endOf, ledgerCounts, seeded, untilReady } from '../e2e/lib/faults.ts';
import { childrenOf, isAlive, until } from '../e2e/lib/processes.ts';
import { RawSession } from '../e2e/lib/raw-client.ts';
import { fixture, tokenFor, Village } from '../e2e/lib/village.ts';

const { values } = parseArgs({
  options: { seeds: { type: 'string', default: '20' }, seconds: { type: 'string', default: '600' } },
});

const FAULTS = ['kill a copy', 'hang a copy', 'kill the router', 'reconfigure'] as const;
type Fault = (typeof FAULTS)[number];
const LANES = 12;
const BETWEEN_MS = 1_500;
const HANG_MS = 2_000;

interface Told {
  readonly key: string;
  end: string;
}

class Chaos {
  readonly faults: string[] = [];
  readonly made: Record<string, number> = {};
  readonly ends: Record<string, number> = {};
  private readonly folder = fs.mkdtempSync(path.join(os.tmpdir(), 'chaos-'));
  private readonly ledger = path.join(this.folder, 'ledger');
  private readonly random: () => number;
  private readonly told: Told[] = [];
  private village!: Village;
  private version = 0;
  private isOver = false;

  constructor(seed: number) {
    this.random = seeded(seed);
  }

  async run(seconds: number): Promise<void> {
    try {
      this.village = await Village.start({ config: this.config(), folder: this.folder });
      await untilReady(this.village, 'up');
      const lanes = Array.from({ length: LANES }, (_, n) => this.call(n));
      const end = performance.now() + seconds * 1_000;
      while (performance.now() < end) {
        await wait(this.random() * 2 * BETWEEN_MS);
        await this.make(FAULTS[Math.floor(this.random() * FAULTS.length)]!);
      }
      this.isOver = true;
      await Promise.all(lanes);
      await this.check();
    } finally {
      this.isOver = true;
      await this.village?.stop();
      fs.rmSync(this.folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
    }
  }

  private config() {
    return {
      mcpServers: {
        up: { ...fixture('tools.ts', '--ledger', this.ledger), replicas: 3, strategy: 'least-connections' },
      },
      agents: { alice: { level: 'OPERATOR' } },
      permissions: [
        { match: 'up/*', level: 'OPERATOR' },
        { match: `nothing/${this.version}`, level: 'READ_ONLY' },
      ],
    };
  }

  private async make(fault: Fault): Promise<void> {
    const { pid } = this.village.process;
    const copies = childrenOf(pid!);
    const copy = copies[Math.floor(this.random() * copies.length)]?.pid;
    if (fault === 'reconfigure') {
      this.version++;
      this.village.reconfigure(this.config());
    } else if (fault === 'kill the router') {
      await this.village.stop('SIGKILL');
      if (this.village.process.signalCode !== 'SIGKILL') this.faults.push('a router was not killed');
      const port = Number(new URL(this.village.url).port);
      this.village = await Village.start({ config: this.config(), folder: this.folder, port });
    } else if (copy !== undefined && fault === 'kill a copy') {
      process.kill(copy, 'SIGKILL');
      await until('it is gone', () => !isAlive(copy), 5_000);
    } else if (copy !== undefined) {
      process.kill(copy, 'SIGSTOP');
      await wait(this.random() * HANG_MS);
      if (isAlive(copy)) process.kill(copy, 'SIGCONT');
    } else return;
    this.made[fault] = (this.made[fault] ?? 0) + 1;
  }

  /** Writes and reads one after the other; opens a session again when it is gone. */
  private async call(lane: number): Promise<void> {
    let session: RawSession | undefined;
    for (let n = 0; !this.isOver; n++) {
      const told: Told = { key: `${lane}-${n}`, end: 'unknown' };
      try {
        session ??= await RawSession.open(this.village.url, tokenFor('alice'));
        const writes = n % 2 === 0;
        if (writes) this.told.push(told);
        const answer = await (writes
          ? session.call('up__append', { key: told.key })
          : session.call('up__delay', { ms: 20, text: told.key }));
        told.end = endOf(answer);
        if (!writes && told.end === 'result' && !JSON.stringify(answer.result).includes(told.key))
          this.faults.push(`${told.key} got the answer of another`);
        const end = `${writes ? 'write' : 'read'} ${told.end}`;
        this.ends[end] = (this.ends[end] ?? 0) + 1;
      } catch {
        // The router is away, or it does not know the session any more.
        session = undefined;
        await wait(20);
      }
    }
  }

  private async check(): Promise<void> {
    await wait(1_000);
    const counts = ledgerCounts(this.ledger);
    for (const [key, times] of counts) if (times > 1) this.faults.push(`${key} ran ${times} times`);
    for (const { key, end } of this.told) {
      const times = counts.get(key) ?? 0;
      if (end === 'result' && times !== 1) this.faults.push(`${key} is acknowledged and lost`);
      if (end === 'UPSTREAM_UNAVAILABLE' && times > 0) this.faults.push(`${key} ran, and was told unavailable`);
    }
    const sent = new Set(this.told.map(({ key }) => key));
    for (const key of counts.keys()) if (!sent.has(key)) this.faults.push(`${key} was never sent`);
    const verified = await this.village.cli('audit', 'verify');
    if (verified.code !== 0) this.faults.push(verified.stdout + verified.stderr);
    for (const fault of FAULTS) if (this.made[fault] === undefined) this.faults.push(`no ${fault}: nothing is proved`);
  }
}

const made: Record<string, number> = {};
const ends: Record<string, number> = {};
const faults: string[] = [];
const add = (to: Record<string, number>, from: Readonly<Record<string, number>>) => {
  for (const [key, count] of Object.entries(from)) to[key] = (to[key] ?? 0) + count;
};
for (let seed = 1; seed <= Number(values.seeds); seed++) {
  const chaos = new Chaos(seed);
  await chaos.run(Number(values.seconds));
  add(made, chaos.made);
  add(ends, chaos.ends);
  faults.push(...chaos.faults.map((fault) => `seed ${seed}: ${fault}`));
  console.error(`seed ${seed}: ${JSON.stringify(chaos.made)}, ${chaos.faults.length} faults`);
}
console.log(JSON.stringify({ seeds: Number(values.seeds), made, ends, faults: faults.slice(0, 50) }));
process.exitCode = faults.length === 0 ? 0 : 1;
