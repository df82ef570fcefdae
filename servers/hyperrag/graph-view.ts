/** How a walk through the graph is shown, by the tool and by the resource of an entity. */
import { z } from 'zod';
import type { Walk } from './graph/walk.ts';
import { BOUNDS, passageId, passageIdSchema, passageSchema, toPassageView } from './view.ts';

const MOST = 200;
const nameSchema = z.string().max(200);

export const graphSchema = z.object({
  entities: z
    .array(
      z.object({
        name: nameSchema,
        passages: z.int().min(0).max(BOUNDS.maxCount),
        distance: z.int().min(0).max(3),
      }),
    )
    .max(MOST),
  relations: z
    .array(z.object({ from: nameSchema, relation: z.string().max(100), to: nameSchema, passage_id: passageIdSchema }))
    .max(MOST),
  passages: z.array(passageSchema).max(MOST),
});

export function toGraphView({ entities, relations, passages }: Walk): z.input<typeof graphSchema> {
  return {
    entities: entities.map((entity) => ({ ...entity })),
    relations: relations.map(({ from, relation, to, passage }) => ({
      from,
      relation,
      to,
      passage_id: passageId(passage.key),
    })),
    passages: passages.map(toPassageView),
  };
}
