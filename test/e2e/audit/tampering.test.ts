/** D2, D3, D5 on the files of a router that really ran: what `aivillage audit verify` says of them. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type AuditPlace, DAY_MS, fill, openTestWriter, placeIn } from '../../fixtures/audit.ts';
import { RawSession } from '../lib/raw-client.ts';
import { fixture, runCli, tokenFor, Village } from '../lib/village.ts';

const config = {
  mcpServers: { up: fixture('tools.ts') },
  agents: { alice: { level: 'OPERATOR' } },
  permissions: [{ match: 'up/*', level: 'OPERATOR' }],
};

let village: Village;
/** The files after the first run, and after the second. */
let early: AuditPlace;
let late: AuditPlace;
let root: string;

async function run(calls: number, folder?: string, env: Record<string, string> = {}): Promise<Village> {
  const started = await Village.start({ config, env, ...(folder === undefined ? {} : { folder }) });
  const session = await RawSession.open(started.url, tokenFor('alice'));
  await session.namesOnceThere('up__echo');
  for (let n = 0; n < calls; n++) expect((await session.call('up__echo', { text: `${n}` })).result).toBeDefined();
  return started;
}

function keep(name: string): AuditPlace {
  const place = placeIn(path.join(root, name));
  fs.cpSync(village.dataDir, place.dataDir, { recursive: true });
  fs.cpSync(village.checkpointDir, place.checkpointDir, { recursive: true });
  return place;
}

beforeAll(async () => {
  root = fs.mkdtempSync(path.join(os.tmpdir(), 'tampering-'));
  village = await run(10);
  await village.stop();
  early = keep('early');
  village = await run(10, village.folder);
  await village.stop();
  late = keep('late');
}, 60_000);
afterAll(async () => {
  await village.remove();
  fs.rmSync(root, { recursive: true });
});

function verify({ dataDir, checkpointDir }: Pick<AuditPlace, 'dataDir' | 'checkpointDir'>) {
  return runCli(['audit', 'verify'], {
    ...village.env,
    AIVILLAGE_DATA_DIR: dataDir,
    AIVILLAGE_CHECKPOINT_DIR: checkpointDir,
  });
}

function inDatabase<T>({ dataDir }: Pick<AuditPlace, 'dataDir'>, work: (db: Database.Database) => T): T {
  const db = new Database(path.join(dataDir, 'audit.db'));
  try {
    return work(db);
  } finally {
    db.close();
  }
}
const count = (place: AuditPlace) =>
  inDatabase(place, (db) => Number(db.prepare('SELECT max(seq) FROM audit').pluck().get()));

let copies = 0;
function copyOf({ dataDir, checkpointDir }: AuditPlace): AuditPlace {
  const place = placeIn(path.join(root, `copy-${++copies}`));
  fs.cpSync(dataDir, place.dataDir, { recursive: true });
  fs.cpSync(checkpointDir, place.checkpointDir, { recursive: true });
  return place;
}

it('[D2] verifies what nobody touched', async () => {
  expect(await verify(late)).toMatchObject({ code: 0, stdout: `${count(late)} records verified\n` });
});

/** Each changes a copy and says which record must be named. */
const TAMPERS: readonly (readonly [string, (place: AuditPlace) => number])[] = [
  [
    'one letter of a record is changed',
    (place) => {
      const change = "UPDATE audit SET record = replace(record, 'alice', 'alicf') WHERE seq = 12";
      inDatabase(place, (db) => db.prepare(change).run());
      return 12;
    },
  ],
  [
    'an outcome is changed',
    (place) => {
      const seq = inDatabase(place, (db) => {
        const found = db.prepare(`SELECT min(seq) FROM audit WHERE record LIKE '%"outcome":"ok"%'`).pluck().get();
        db.prepare(`UPDATE audit SET record = replace(record, '"ok"', '"no"') WHERE seq = ?`).run(found);
        return Number(found);
      });
      return seq;
    },
  ],
  [
    'a record is deleted',
    (place) => {
      inDatabase(place, (db) => db.prepare('DELETE FROM audit WHERE seq = 9').run());
      return 9;
    },
  ],
  [
    'the end is cut off',
    (place) => {
      inDatabase(place, (db) => db.prepare('DELETE FROM audit WHERE seq > 15').run());
      return 16;
    },
  ],
  [
    'all is deleted',
    (place) => {
      for (const end of ['', '-wal', '-shm']) fs.rmSync(path.join(place.dataDir, `audit.db${end}`), { force: true });
      return 1;
    },
  ],
  [
    'the data folder is rolled back to an earlier day',
    (place) => {
      fs.rmSync(place.dataDir, { recursive: true });
      fs.cpSync(early.dataDir, place.dataDir, { recursive: true });
      return count(early) + 1;
    },
  ],
  [
    'the checkpoints are taken away',
    (place) => {
      fs.rmSync(place.checkpointDir, { recursive: true });
      return 1;
    },
  ],
];

it.each(TAMPERS)('[D2] F02: exit 1 and the first bad record when %s', async (_, tamper) => {
  const place = copyOf(late);
  const seq = tamper(place);
  const { code, stdout } = await verify(place);
  expect(stdout).toMatch(new RegExp(`^first bad record: ${seq}: .+\\n$`));
  expect(code).toBe(1);
});

it('[D2] F02: the router goes on after a roll-back, says so, and verification still names it', async () => {
  const place = copyOf(early);
  fs.rmSync(place.checkpointDir, { recursive: true });
  fs.cpSync(late.checkpointDir, place.checkpointDir, { recursive: true });
  const rolled = await run(2, undefined, {
    AIVILLAGE_DATA_DIR: place.dataDir,
    AIVILLAGE_CHECKPOINT_DIR: place.checkpointDir,
  });
  try {
    expect(rolled.stderr()).toContain('do not agree with their last checkpoint');
  } finally {
    await rolled.remove();
  }
  const { code, stdout } = await verify(place);
  expect([code, stdout]).toEqual([1, expect.stringMatching(/^first bad record: \d+: /)]);
});

it('[D3] with strict durability calls run, and what they acknowledged outlives a kill', async () => {
  const strict = await run(5, undefined, { MCP_AUDIT_DURABILITY: 'strict' });
  try {
    await strict.stop('SIGKILL');
    const records = (await strict.audit()).filter(({ tool }) => tool === 'up__echo');
    expect(records.map(({ kind }) => kind)).toEqual(
      Array.from({ length: 5 }, () => ['call_started', 'call_finished']).flat(),
    );
    expect((await strict.cli('audit', 'verify')).stdout).toMatch(/^\d+ records verified\n$/);
  } finally {
    await strict.remove();
  }
  await expect(run(0, undefined, { MCP_AUDIT_DURABILITY: 'sometimes' })).rejects.toThrow(/MCP_AUDIT_DURABILITY/);
});

it('[D5] drops what is older than the retention, and the rest still verifies', async () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'village-'));
  const place = placeIn(folder);
  const writer = await openTestWriter(place);
  fill(writer, 60, Date.now() - 40 * DAY_MS);
  fill(writer, 20, Date.now() - 5 * DAY_MS);
  await writer.close();
  const kept = await run(1, folder, { MCP_AUDIT_LOG_RETENTION: '30' });
  try {
    await expect.poll(async () => (await kept.audit())[0]?.seq, { timeout: 15_000 }).toBe(61);
    const records = await kept.audit();
    expect(records.some(({ kind }) => kind === 'audit_pruned')).toBe(true);
    expect((await kept.cli('audit', 'verify')).stdout).toBe(`${(await kept.audit()).length} records verified\n`);
  } finally {
    await kept.remove();
  }
});
