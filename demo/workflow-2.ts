/** Workflow 2: a twin is sure of something, its person allows it to be shared, and another agent finds it without personal data. */
import type { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { call, type DemoVillage } from './village.ts';

const DAY_MS = 86_400_000;
const CONTENT =
  'When the nightly backup fails, the disk of the cellar machine is full; write to maria.keller@example.org and look at 192.0.2.7 first.';
const QUESTION = 'Why does the nightly backup fail?';

export async function shareKnowledge(village: DemoVillage, say: (text: string) => void): Promise<void> {
  const magi = await village.connect('magi');
  const oracle = await village.connect('oracle');
  const observations = [4, 3, 2, 1].map((daysAgo) => ({
    kind: 'knowledge',
    content: CONTENT,
    domain: 'operations',
    observed_at: new Date(Date.now() - daysAgo * DAY_MS).toISOString(),
  }));
  await call(magi, 'twin_observe', { observations });
  say(`magi tells its twin on four days: ${CONTENT}`);

  const question = { query: QUESTION, min_confidence: 0.8, anonymization_required: true };
  const [found] = (await call(magi, 'mini_rag_query', question)).results as Record<string, unknown>[];
  if (found === undefined) throw new Error('the twin found nothing');
  say(
    `the twin, asked for what it is sure of: ${show(found.anonymized_content)} (confidence ${show(found.confidence)})`,
  );

  const elevate = () => call(magi, 'twin_elevate', { candidate_ids: [found.fact_id] });
  say(`elevating it without consent: ${outcomeOf(await elevate())}`);
  await call(magi, 'twin_consent', { action: 'grant', purpose: 'knowledge_elevation' });
  say(`with the consent of its person: ${outcomeOf(await elevate())}`);

  const known = await firstHit(oracle);
  say(`oracle asks the village: ${show(known.text)}`);
  say(`   confidence ${show(known.confidence)}, source ${show(known.source)}: whose twin it was, nobody is told`);
  const own = (await call(oracle, 'mini_rag_query', { query: QUESTION })).results as unknown[];
  say(`oracle's own twin knows nothing of it: ${own.length} results`);
}

async function firstHit(client: Client): Promise<Record<string, unknown>> {
  const { results } = await call(client, 'hyperrag_query', { query: QUESTION });
  const [first] = results as Record<string, unknown>[];
  if (first === undefined || /maria|192\.0\.2/.test(JSON.stringify(first)))
    throw new Error('not found, or not anonymous');
  return first;
}

function outcomeOf({ elevated }: Record<string, unknown>): string {
  const [{ outcome, meaning } = { outcome: 'nothing', meaning: '' }] = elevated as {
    outcome: string;
    meaning: string;
  }[];
  return `${outcome}. ${meaning}`;
}

function show(value: unknown): string {
  return typeof value === 'string' ? `“${value}”` : String(value);
}
