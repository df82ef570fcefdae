import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { openFogStore } from '../../../../servers/fog/store/open.ts';
import { migrations, type Tables } from '../../../../servers/fog/store/schema.ts';
import { createUsageStore } from '../../../../servers/fog/store/usage.ts';
import { createNodes } from '../../../../servers/fog/work/nodes.ts';
import { DEFAULT_TRUST } from '../../../../shared/fog-rules.ts';
import { openStore } from '../../../../shared/store.ts';

it('[X4] [F4] a fog.db of the version before opens, its nodes begin with an empty record, and what was earned still counts', async () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'fog-migration-'));
  onTestFinished(() => fs.rmSync(folder, { recursive: true }));
  const file = path.join(folder, 'fog.db');
  const before = await openStore<Tables>({ file, migrations: migrations.slice(0, 3) });
  before.connection.exec(
    `INSERT INTO nodes (node_id, agent, state, cpu_cores, memory_gb, gpu, price_micro, sandbox, programs, load, memory_free_gb, joined_at, last_seen_at)
     VALUES ('old', 'bob', 'up', 8, 16, 0, 0, 1, '[]', 0, 16, 1, 1)`,
  );
  before.connection.exec(
    `INSERT INTO usage (id, contract_id, provider, node_id, cpu_ms, mb_ms, harvested, reward_paid, reward_due, at)
     VALUES ('a', '', 'bob', 'old', 1, 1, 0, 5, 5, 60001), ('b', '', 'bob', 'old', 1, 1, 0, 7, 7, 119999), ('c', '', 'bob', 'old', 1, 1, 0, 0, 9, 120000)`,
  );
  await before.close();
  const store = await openFogStore(folder);
  expect(store.all(store.db.selectFrom('nodes').select(['delivered', 'lost']))).toEqual([{ delivered: 0, lost: 0 }]);
  expect(createNodes(store, () => DEFAULT_TRUST).get('old')).toMatchObject({ cpuCores: 8, belief: undefined });
  expect([0, 60_002, 120_000].map((time) => createUsageStore(store).rewardedSince('bob', time))).toEqual([12n, 7n, 0n]);
  await store.close();
});
