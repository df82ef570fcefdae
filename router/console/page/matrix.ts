/** The permission matrix as the router prints it. */
import { z } from 'zod';
import type { VillageClient } from '../../../client/index.ts';

const row = z.looseObject({
  match: z.string(),
  level: z.string(),
  permission: z.string().nullable(),
  approval: z.string().nullable(),
  needs_justification: z.boolean(),
  checks_arguments: z.boolean(),
  per_minute: z.number().nullable(),
});
const target = z.looseObject({
  kind: z.string(),
  name: z.string(),
  server: z.string(),
  row: row.nullable(),
  you: z.string(),
  may: z.array(z.looseObject({ agent: z.string(), decision: z.string() })),
});
const schema = z.looseObject({
  agents: z.array(z.looseObject({ agent: z.string(), level: z.string() })),
  targets: z.array(target),
});

export type Row = z.output<typeof row>;
export type MatrixTarget = z.output<typeof target>;
export type MatrixView = z.output<typeof schema>;

export async function wholeMatrix(client: VillageClient): Promise<MatrixView> {
  return schema.parse(await client.read('village://matrix'));
}

/** What a call needs beside level and permission, in words. */
export function conditionsOf({ approval, needs_justification, checks_arguments, per_minute }: Row): string[] {
  return [
    ...(approval === null ? [] : [`a vote (${approval.replaceAll('_', ' ')})`]),
    ...(needs_justification ? ['a justification'] : []),
    ...(checks_arguments ? ['arguments by its rules'] : []),
    ...(per_minute === null ? [] : [`at most ${per_minute} a minute`]),
  ];
}
