/** C1: the router is killed under load and started again at the same address. Nothing may be lost in silence, nothing run twice. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type DiagnosticEvent, VillageClient, VillageError } from '../../../client/index.ts';
import { untilListed } from '../lib/oracle.ts';
import { RawSession } from '../lib/raw-client.ts';
import { fixture, type StartOptions, tokenFor, Village } from '../lib/village.ts';

const KILLS = 2;
const IN_FLIGHT = 24;

let village: Village;
let ledger: string;
let options: StartOptions;

beforeAll(async () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'village-'));
  ledger = path.join(folder, 'ledger');
  fs.writeFileSync(ledger, '');
  options = {
    folder,
    config: {
      mcpServers: { up: fixture('tools.ts', '--ledger', ledger) },
      permissions: [{ match: 'up/*', level: 'OPERATOR' }],
      router: { rateLimit: { perMinute: 1_000_000 } },
    },
  };
  village = await Village.start(options);
  await untilListed(await RawSession.open(village.url, tokenFor('alice')), 'up__append');
  options = { ...options, port: Number(new URL(village.url).port) };
});
afterAll(() => village.remove());

async function restart(): Promise<void> {
  await village.stop('SIGKILL');
  village = await Village.start(options);
}

interface Tally {
  readonly written: string[];
  /** Keys whose outcome the client said nobody knows. */
  readonly unknown: string[];
  readonly wrong: unknown[];
  reads: number;
}

it.each(['http', 'ws'])(
  '[C1] over %s: killed under load and started again, a router loses no call in silence and runs none twice',
  { timeout: 90_000 },
  async (scheme) => {
    const events: DiagnosticEvent[] = [];
    const url = scheme === 'http' ? `${village.url}/mcp` : `${village.url.replace('http', 'ws')}/ws`;
    const client = new VillageClient({ url, token: tokenFor('alice') });
    client.on((event) => events.push(event));
    await client.connect();
    const tally: Tally = { written: [], unknown: [], wrong: [], reads: 0 };
    let isOver = false;
    const worker = async (number: number): Promise<void> => {
      for (let i = 0; !isOver; i++) {
        const key = `${scheme}-${number}-${i}`;
        try {
          if (number % 2 === 0) {
            await client.call('up__append', { key });
            tally.written.push(key);
          } else {
            const echoed = await client.call('up__delay', { text: key, ms: 5 });
            if (!String(echoed).includes(key)) tally.wrong.push([key, echoed]);
            tally.reads++;
          }
        } catch (error) {
          const isUnknown = error instanceof VillageError && error.reason === 'CONNECTION_LOST' && number % 2 === 0;
          if (isUnknown) tally.unknown.push(key);
          else tally.wrong.push([key, error]);
        }
      }
    };
    const workers = Array.from({ length: IN_FLIGHT }, (_, number) => worker(number));
    for (let kill = 1; kill <= KILLS; kill++) {
      const before = tally.written.length;
      await expect.poll(() => tally.written.length, { timeout: 20_000 }).toBeGreaterThan(before + 100);
      await restart();
    }
    const before = tally.written.length;
    await expect.poll(() => tally.written.length, { timeout: 20_000 }).toBeGreaterThan(before + 100);
    isOver = true;
    await Promise.all(workers);
    await client.close();

    const lines = fs
      .readFileSync(ledger, 'utf8')
      .split('\n')
      .filter((line) => line.startsWith(`${scheme}-`));
    const retries = events.filter(({ kind }) => kind === 'retry').length;
    console.info(
      `${scheme}: ${KILLS} kills, ${tally.written.length} written, ${tally.unknown.length} told as unknown, ` +
        `${tally.reads} read, ${retries} sent again, ${lines.length} lines`,
    );
    expect(tally.wrong).toEqual([]);
    expect(new Set(lines).size).toBe(lines.length);
    const inLedger = new Set(lines);
    expect(tally.written.filter((key) => !inLedger.has(key))).toEqual([]);
    const told = new Set([...tally.written, ...tally.unknown]);
    expect(lines.filter((key) => !told.has(key))).toEqual([]);
    // The fault was there: calls were under way when the router went, and the client came back each time.
    expect(events.filter(({ kind }) => kind === 'reconnected')).toHaveLength(KILLS);
    expect(retries).toBeGreaterThan(0);
  },
);
