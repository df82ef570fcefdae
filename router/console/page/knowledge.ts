/** Answers of the knowledge server, as far as the page shows them. */
import { z } from 'zod';
import type { VillageClient } from '../../../client/index.ts';

const step = z.looseObject({
  by: z.string(),
  title: z.string(),
  terms: z.array(z.string()),
  name: z.string().nullable(),
});
const hit = z.looseObject({
  passage_id: z.string(),
  title: z.string(),
  text: z.string(),
  confidence: z.number(),
  source: z.string(),
  kind: z.string(),
  path: z.array(step),
});
const walk = z.looseObject({
  entities: z.array(z.looseObject({ name: z.string(), passages: z.number(), distance: z.number() })),
  relations: z.array(z.looseObject({ from: z.string(), relation: z.string(), to: z.string(), passage_id: z.string() })),
  passages: z.array(z.looseObject({ passage_id: z.string(), title: z.string(), text: z.string() })),
});

export type Step = z.output<typeof step>;
export type Hit = z.output<typeof hit>;
export type Walk = z.output<typeof walk>;

export async function search(client: VillageClient, query: string): Promise<Hit[]> {
  const answer = await client.call('hyperrag_query', { query, top_k: 10 });
  return z.looseObject({ results: z.array(hit) }).parse(answer).results;
}

export async function walkFrom(client: VillageClient, entity: string): Promise<Walk> {
  return walk.parse(await client.call('hyperrag_graph', { entity, depth: 2, limit: 40 }));
}
