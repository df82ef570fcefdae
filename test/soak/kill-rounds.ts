/**
 * F03: a router is killed at random instants under mixed load, over and over, on one data folder; after each kill what the
 * clients know is compared with the ledger (the truth about side effects) and with the audit. Faults of the router are returned as
 * sentences; what keeps a round from proving anything (nobody in flight, the same process) is one too.
 */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { keyedDigest, readKeys } from '../../router/audit/keys.ts';
import { exportAudit } from '../../router/audit/query.ts';
import { verifyAudit } from '../../router/audit/verify.ts';
import { encodeOctets } from '../../shared/json/octets.ts';
import { POST_HEADERS, RawSession, send, textOf } from '../e2e/lib/raw-client.ts';
import { fixture, tokenFor, Village } from '../e2e/lib/village.ts';

export interface KillReport {
  readonly rounds: number;
  readonly calls: { readonly ok: number; readonly refused: number; readonly unknown: number };
  /** Of the unknown ones: those that took effect. */
  readonly unknownDone: number;
  readonly revocations: number;
  readonly inFlightAtKill: { readonly least: number; readonly median: number };
  readonly readyMs: { readonly median: number; readonly worst: number };
  readonly records: number;
  /** Empty when all is well. */
  readonly faults: readonly string[];
}

type Outcome = 'ok' | 'refused' | 'unknown';

/** One call as its client saw it. */
interface Seen {
  readonly agent: 'alice' | 'dave';
  readonly tool: 'append' | 'echo';
  readonly key: string;
  outcome: Outcome;
}

const WORKERS = 8;
const LONGEST_LOAD_MS = 250;

/** Numbers below 1 from a seed (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export interface KillOptions {
  readonly rounds: number;
  /** No round begins later than this. */
  readonly withinMs?: number;
  readonly seed?: number;
}

export async function killRounds(options: KillOptions): Promise<KillReport> {
  const { rounds, withinMs = Number.POSITIVE_INFINITY, seed = 1 } = options;
  const since = performance.now();
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'village-kill-'));
  const run = new KillRun(folder, seeded(seed));
  try {
    let round = 0;
    while (round < rounds && performance.now() - since < withinMs) await run.round(++round);
    return await run.report(round);
  } finally {
    await run.end();
  }
}

class KillRun {
  private readonly folder: string;
  private readonly ledger: string;
  private readonly random: () => number;
  private readonly faults: string[] = [];
  private readonly seen: Seen[] = [];
  private readonly inFlight: number[] = [];
  private readonly readyMs: number[] = [];
  /** Tokens whose revocation was acknowledged. */
  private readonly revoked: string[] = [];
  private village: Village | undefined;
  private lastPid: number | undefined;
  private revocations = 0;
  private isKilled = false;
  private pending = 0;

  constructor(folder: string, random: () => number) {
    this.folder = folder;
    this.ledger = path.join(folder, 'ledger.txt');
    this.random = random;
    fs.writeFileSync(this.ledger, '');
  }

  async round(round: number): Promise<void> {
    const village = await this.start(round);
    const [alice, dave] = await Promise.all([
      RawSession.open(village.url, tokenFor('alice')),
      RawSession.open(village.url, tokenFor('dave', { governance_level: 'READ_ONLY' })),
    ]);
    const upstream = await pidOfServer(alice);
    await this.expectRevoked(village, round);

    this.isKilled = false;
    const made: Seen[] = [];
    const since = Date.now() - 1_000;
    const load = Array.from({ length: WORKERS }, (_, n) => this.work(village, alice, dave, made, `${round}-${n}`));
    await wait(this.random() * LONGEST_LOAD_MS);
    village.reconfigure(this.config(round + 0.5));
    while (this.pending === 0) await wait(1);
    this.isKilled = true;
    this.inFlight.push(this.pending);
    await village.stop('SIGKILL');
    if (village.process.signalCode !== 'SIGKILL') this.faults.push(`round ${round}: the router was not killed`);
    await Promise.all(load);
    await gone(upstream);
    this.seen.push(...made);
    await this.check(round, made, since);
  }

  async report(rounds: number): Promise<KillReport> {
    const verified = await verifyAudit(this.place());
    const count = (outcome: Outcome) => this.seen.filter((each) => each.outcome === outcome).length;
    const lines = this.lines();
    const sent = new Set(
      this.seen.filter(({ tool, agent }) => tool === 'append' && agent === 'alice').map(({ key }) => key),
    );
    for (const line of lines.keys())
      if (!sent.has(line)) this.faults.push(`the ledger holds ${line}, which nobody may write`);
    const sorted = (numbers: readonly number[]) => numbers.toSorted((a, b) => a - b);
    return {
      rounds,
      calls: { ok: count('ok'), refused: count('refused'), unknown: count('unknown') },
      unknownDone: this.seen.filter(({ outcome, key }) => outcome === 'unknown' && lines.has(key)).length,
      revocations: this.revocations,
      inFlightAtKill: { least: Math.min(...this.inFlight), median: sorted(this.inFlight)[rounds >> 1]! },
      readyMs: {
        median: Math.round(sorted(this.readyMs)[rounds >> 1]!),
        worst: Math.round(Math.max(...this.readyMs)),
      },
      records: verified.ok ? verified.records : 0,
      faults: this.faults,
    };
  }

  async end(): Promise<void> {
    await this.village?.stop('SIGKILL');
    fs.rmSync(this.folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  }

  private async start(round: number): Promise<Village> {
    const begun = performance.now();
    const village = await Village.start({ config: this.config(round), folder: this.folder });
    this.readyMs.push(performance.now() - begun);
    this.village = village;
    if (village.process.pid === this.lastPid) this.faults.push(`round ${round}: the same process as before`);
    this.lastPid = village.process.pid;
    return village;
  }

  /** Another matrix each time, that says the same of those who call. */
  private config(version: number) {
    return {
      mcpServers: { up: fixture('tools.ts', '--ledger', this.ledger) },
      agents: { alice: { level: 'OPERATOR' }, dave: { level: 'READ_ONLY' } },
      permissions: [
        { match: 'up/*', level: 'OPERATOR' },
        { match: `nothing/${version}`, level: 'READ_ONLY' },
      ],
      router: { rateLimit: { perMinute: 1_000_000 } },
    };
  }

  private place() {
    return { dataDir: path.join(this.folder, 'data'), checkpointDir: path.join(this.folder, 'checkpoints') };
  }

  /** Calls, refused calls and revocations, one after the other, until the router is gone. */
  private async work(village: Village, alice: RawSession, dave: RawSession, made: Seen[], name: string): Promise<void> {
    for (let n = 0; !this.isKilled; n++) {
      if (this.random() < 0.1) await this.revoke(village);
      const agent = this.random() < 0.2 ? 'dave' : 'alice';
      const seen: Seen = { agent, tool: n % 3 === 0 ? 'echo' : 'append', key: `${name}-${n}`, outcome: 'unknown' };
      made.push(seen);
      this.pending++;
      try {
        const args = seen.tool === 'echo' ? { text: seen.key } : { key: seen.key };
        const { result, error } = await (agent === 'alice' ? alice : dave).call(`up__${seen.tool}`, args);
        if (result !== undefined) seen.outcome = 'ok';
        else if (error?.code === -32602) seen.outcome = 'refused';
        else if (!this.isKilled) this.faults.push(`${seen.key}: ${JSON.stringify(error)}`);
      } catch {
        // The connection was cut, and nobody knows.
        if (!this.isKilled) this.faults.push(`${seen.key}: cut before the router was killed`);
      }
      this.pending--;
    }
  }

  private async revoke(village: Village): Promise<void> {
    const token = tokenFor('alice');
    const headers = { ...POST_HEADERS, authorization: `Bearer ${token}` };
    try {
      const { status } = await send(village.url, { path: '/api/auth/logout', headers, body: '{}' });
      if (status !== 200) return;
      this.revocations++;
      this.revoked.push(token);
    } catch {
      // Killed meanwhile: it may be revoked or not.
    }
  }

  /** A revocation that was acknowledged before the last kill holds after it. */
  private async expectRevoked(village: Village, round: number): Promise<void> {
    for (const token of this.revoked.splice(0).slice(-3)) {
      const headers = { authorization: `Bearer ${token}` };
      const { status } = await send(village.url, { method: 'GET', path: '/api/auth/verify', headers });
      if (status !== 401) this.faults.push(`round ${round}: an acknowledged revocation is lost (${status})`);
    }
  }

  /** How often each line stands in the ledger. */
  private lines(): Map<string, number> {
    const lines = new Map<string, number>();
    for (const line of fs.readFileSync(this.ledger, 'utf8').split('\n').slice(0, -1)) {
      lines.set(line, (lines.get(line) ?? 0) + 1);
    }
    return lines;
  }

  private async check(round: number, made: readonly Seen[], since: number): Promise<void> {
    const fault = (text: string) => this.faults.push(`round ${round}: ${text}`);
    const place = this.place();
    const verified = await verifyAudit(place);
    if (!verified.ok) fault(`first bad record: ${verified.seq}: ${verified.why}`);
    const keys = readKeys(place.dataDir, place.checkpointDir);
    if (typeof keys === 'string') throw new Error(keys);
    const records = new Map<string, string[]>();
    for await (const text of exportAudit({ dataDir: place.dataDir, since })) {
      const { argsDigest, kind, outcome } = JSON.parse(text) as Record<string, string | undefined>;
      if (argsDigest === undefined) continue;
      const told = records.get(argsDigest) ?? [];
      records.set(argsDigest, [...told, outcome === undefined ? `${kind}` : `${kind} ${outcome}`]);
    }
    const lines = this.lines();
    for (const { agent, tool, key, outcome } of made) {
      const args = JSON.stringify(tool === 'echo' ? { text: key } : { key });
      const told = (records.get(keyedDigest(keys, encodeOctets(args))) ?? []).join(', ');
      const times = lines.get(key) ?? 0;
      if (times > 1) fault(`${key} was applied ${times} times`);
      if (times > 0 && !told.startsWith('call_started')) fault(`${key} ran without a record`);
      if (agent === 'dave' && (times > 0 || outcome === 'ok')) fault(`${key} ran though it is denied`);
      if (outcome === 'ok' && told !== 'call_started, call_finished ok')
        fault(`${key} is acknowledged; recorded: ${told}`);
      if (outcome === 'ok' && tool === 'append' && times !== 1) fault(`${key} is acknowledged and lost`);
      if (outcome === 'refused' && told !== 'call_denied denied') fault(`${key} is refused; recorded: ${told}`);
    }
  }
}

/** Waits for the server, which starts beside the router. */
async function pidOfServer(session: RawSession): Promise<number> {
  const until = performance.now() + 20_000;
  for (;;) {
    const answer = await session.call('up__whoami');
    if (answer.result !== undefined) return Number(JSON.parse(textOf(answer)).pid);
    if (performance.now() > until) throw new Error(`the server does not come: ${JSON.stringify(answer.error)}`);
    await wait(20);
  }
}

/** A server whose router was killed ends by itself, when its input does; before, it may still write. */
async function gone(pid: number): Promise<void> {
  const until = performance.now() + 20_000;
  for (;;) {
    try {
      process.kill(pid, 0);
    } catch {
      return;
    }
    if (performance.now() > until) throw new Error(`process ${pid} outlives its router`);
    await wait(5);
  }
}
