/** What monitoring has noticed, and the figures that it keeps. */
import { z } from 'zod';
import type { VillageClient } from '../../../client/index.ts';

export const ALERTS_URI = 'monitoring://alerts';

const alerts = z.looseObject({
  alerts: z.array(
    z.looseObject({
      series: z.string(),
      state: z.string(),
      severity: z.string(),
      since: z.string(),
      summary: z.string(),
      remedy: z.string(),
      silenced: z.boolean(),
    }),
  ),
});
const metric = z.looseObject({ history: z.array(z.looseObject({ value: z.number().nullable() })) });

export type Alert = z.output<typeof alerts>['alerts'][number];

/** Those that fire and are not silenced. */
export async function firing(client: VillageClient): Promise<Alert[]> {
  const found = alerts.parse(await client.read(ALERTS_URI)).alerts;
  return found.filter(({ state, silenced }) => state === 'firing' && !silenced);
}

export const figureUri = (series: string): string => `monitoring://metrics/${series}`;

/** Of the last hour, oldest first. */
export async function historyOf(client: VillageClient, series: string): Promise<(number | null)[]> {
  const { history } = metric.parse(await client.read(figureUri(series)));
  return history.map(({ value }) => value);
}
