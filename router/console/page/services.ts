/** The servers behind the router, as they tell of themselves. */
import { z } from 'zod';
import type { VillageClient } from '../../../client/index.ts';

export const SERVICES_URI = 'village://services';

const schema = z.looseObject({
  services: z.array(
    z.looseObject({
      id: z.string(),
      status: z.string(),
      state: z.string(),
      since: z.string(),
      problem: z.string().nullable(),
      starts: z.number(),
      calls_in_flight: z.number(),
      tools: z.number(),
    }),
  ),
});

export type Service = z.output<typeof schema>['services'][number];

export async function services(client: VillageClient): Promise<Service[]> {
  return schema.parse(await client.read(SERVICES_URI)).services;
}
