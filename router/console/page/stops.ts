/**
 * The emergency stop. Its state has a way of its own, `/api/emergency-stop`, because it must be seen when no server answers; only
 * those who may stop may see it.
 */
import { z } from 'zod';
import { VillageError } from '../../../client/index.ts';
import type { Credentials } from './credentials.ts';

const schema = z.looseObject({
  state: z.enum(['stopped', 'running']),
  stops: z.array(z.looseObject({ scope: z.string(), reason: z.string(), by: z.string(), since: z.string() })),
});

export type StopState = z.output<typeof schema>;

export async function stopState(credentials: Credentials): Promise<StopState> {
  const response = await credentials.fetch('/api/emergency-stop');
  if (!response.ok) throw new VillageError('FORBIDDEN', { text: 'The state of the emergency stop cannot be read' });
  return schema.parse(await response.json());
}
