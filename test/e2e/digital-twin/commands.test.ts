import fs from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { TestTwins } from '../../fixtures/digital-twin/twins.ts';
import { runCli } from '../lib/village.ts';

let twins: TestTwins;
const others: TestTwins[] = [];

beforeEach(async () => {
  twins = new TestTwins();
  await (await twins.person('alice')).observe({ kind: 'knowledge', content: 'Bees sleep at night.' });
});
afterEach(async () => {
  for (const each of others.splice(0)) await each.close();
  await twins.close();
});

const environment = (more: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv => ({
  PATH: process.env.PATH,
  HOME: twins.folder,
  AIVILLAGE_DATA_DIR: twins.dataDir,
  AIVILLAGE_CHECKPOINT_DIR: path.join(twins.folder, 'checkpoints'),
  TWIN_KEY_FILE: twins.keyFile,
  ...more,
});

async function knows(of: TestTwins, query = 'bees'): Promise<number> {
  return (await (await of.person('alice')).list('mini_rag_query', 'results', { query })).length;
}

function again(options: ConstructorParameters<typeof TestTwins>[0]): TestTwins {
  const other = new TestTwins(options);
  others.push(other);
  return other;
}

it('[T1] `twin rotate` locks with a new key file under a running server, and `--to passphrase` with what is typed', async () => {
  const old = fs.readFileSync(twins.keyFile);
  expect(await runCli(['twin', 'rotate'], environment())).toMatchObject({
    code: 0,
    stdout: '1 twins are locked with a new key (file)\n',
  });
  expect(fs.readFileSync(twins.keyFile)).not.toEqual(old);
  expect(await knows(twins)).toBe(1);
  const short = await runCli(['twin', 'rotate', '--to', 'passphrase'], environment(), 'short\n');
  expect(short).toMatchObject({ code: 1, stderr: expect.stringContaining('at least 12 characters') as string });
  const passphrase = 'correct horse battery';
  const moved = await runCli(['twin', 'rotate', '--to', 'passphrase'], environment(), `${passphrase}\n`);
  expect(moved).toMatchObject({ code: 0, stderr: expect.stringContaining('Set TWIN_PASSPHRASE') as string });
  expect(JSON.stringify(moved)).not.toContain(passphrase);
  expect(await runCli(['twin', 'rotate'], environment())).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('locked by a passphrase') as string,
  });
  expect(await knows(again({ folder: twins.folder, settings: { passphrase } }))).toBe(1);
});

it('[T1] the key can live in the keychain, where there is one', async () => {
  const missing = await runCli(
    ['twin', 'rotate', '--to', 'keychain'],
    environment({ PATH: path.dirname(process.execPath) }),
  );
  expect(missing).toMatchObject({ code: 1, stderr: expect.stringContaining('no secret-tool here') as string });
  const bin = path.join(twins.folder, 'bin');
  fs.mkdirSync(bin);
  // What libsecret's tool does with the arguments that we give it.
  const tool =
    '#!/bin/sh\ncommand=$1; shift\n[ "$command" = store ] && shift\nfile="$HOME/secret-$(echo "$*" | tr " /" "__")"\n';
  const both = 'if [ "$command" = store ]; then cat > "$file"; else cat "$file" 2>/dev/null; fi\n';
  fs.writeFileSync(path.join(bin, 'secret-tool'), tool + both, { mode: 0o700 });
  const PATH = `${bin}:${process.env.PATH}`;
  const moved = await runCli(['twin', 'rotate', '--to', 'keychain'], environment({ PATH }));
  expect(moved).toMatchObject({ code: 0, stdout: '1 twins are locked with a new key (keychain)\n' });
  const rotated = await runCli(['twin', 'rotate'], environment({ PATH, TWIN_KEYCHAIN: '1' }));
  expect(rotated).toMatchObject({ code: 0, stdout: '1 twins are locked with a new key (keychain)\n' });
  const back = await runCli(['twin', 'rotate', '--to', 'file'], environment({ PATH, TWIN_KEYCHAIN: '1' }));
  expect(back).toMatchObject({ code: 0, stdout: '1 twins are locked with a new key (file)\n' });
  expect(await knows(again({ folder: twins.folder }))).toBe(1);
});

it('[X4] [T1] a backup under load holds every twin whole, and not what unlocks it', async () => {
  const alice = await twins.person('alice');
  let told = 0;
  let isRunning = true;
  const load = (async () => {
    while (isRunning) {
      await alice.observe({ kind: 'knowledge', content: `Hive number ${told} is humming.` });
      told++;
      await new Promise((resolve) => setImmediate(resolve));
    }
  })();
  const backup = path.join(twins.folder, 'backup');
  const before = told;
  expect(await runCli(['backup', backup], environment())).toMatchObject({ code: 0 });
  isRunning = false;
  await load;
  const key = fs.readFileSync(twins.keyFile, 'utf8').trim();
  const restored = path.join(twins.folder, 'restored');
  const env = environment({
    AIVILLAGE_DATA_DIR: path.join(restored, 'data'),
    AIVILLAGE_CHECKPOINT_DIR: path.join(restored, 'checkpoints'),
  });
  expect(await runCli(['restore', backup], env)).toMatchObject({ code: 0 });
  for (const name of fs.readdirSync(path.join(backup, 'data', 'twins'))) {
    expect(fs.readFileSync(path.join(backup, 'data', 'twins', name)).includes(key), name).toBe(false);
  }
  const copy = again({ folder: restored, settings: { keyFile: twins.keyFile } });
  const { profile } = (await (await copy.person('alice')).read('twin://profile')) as { profile: { facts: number } };
  expect(profile.facts).toBeGreaterThanOrEqual(before + 1);
  expect(profile.facts).toBeLessThanOrEqual(told + 1);
});
