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
const metric = z.looseObject({
  history: z.array(z.looseObject({ at: z.string(), value: z.number().nullable() })),
});

export type Alert = z.output<typeof alerts>['alerts'][number];

/** Those that fire and are not silenced. */
export async function firing(client: VillageClient): Promise<Alert[]> {
  const found = alerts.parse(await client.read(ALERTS_URI)).alerts;
  return found.filter(({ state, silenced }) => state === 'firing' && !silenced);
}

export const figureUri = (series: string): string => `monitoring://metrics/${series}`;

const POINT_MS = 30_000;
const POINTS = 120;

/** Of the last hour, oldest first, a value for each half minute; null where nothing was measured. */
export async function historyOf(client: VillageClient, series: string): Promise<(number | null)[]> {
  const { history } = metric.parse(await client.read(figureUri(series)));
  const now = Date.now();
  const values = Array.from<number | null>({ length: POINTS }).fill(null);
  for (const { at, value } of history) {
    const ago = Math.max(0, Math.floor((now - Date.parse(at)) / POINT_MS));
    if (ago < POINTS && value !== null) values[POINTS - 1 - ago] = value;
  }
  return values;
}
