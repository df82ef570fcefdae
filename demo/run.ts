/** `npm run demo`: the workflows that show what the village is for, step by step, on a data folder that is thrown away. */
import { startVillage } from './village.ts';
import { changeRetention } from './workflow-1.ts';
import { shareKnowledge } from './workflow-2.ts';
import { moveShards } from './workflow-3.ts';

const say = (text: string): void => {
  process.stdout.write(`${text}\n`);
};

const village = await startVillage();
try {
  say('1. A policy changes because enough agents agreed');
  await changeRetention(village, (text) => say(`   ${text}`));
  say('\n2. What one twin is sure of, all may know, and nobody whose it was');
  await shareKnowledge(village, (text) => say(`   ${text}`));
  say('\n3. Shards are placed on fog nodes, and move when one is killed');
  await moveShards(village, (text) => say(`   ${text}`));
  const verified = await village.command('audit', 'verify');
  say(`\nEverything above is on record: ${verified.trim()}`);
} catch (error) {
  process.stderr.write(`\nThe demonstration stopped. ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
} finally {
  await village.close();
}
