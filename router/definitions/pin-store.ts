/** definitions.db in the data folder: for each thing that a server lists, which definition of it is approved and which waits. */
import path from 'node:path';
import { z } from 'zod';
import { type Migration, openStore, prepare } from '../../shared/store.ts';

interface PinTables {
  pins: { id: string; data: string };
}

const migrations: readonly Migration[] = [
  async (db) => {
    await db.schema
      .createTable('pins')
      .addColumn('id', 'text', (c) => c.primaryKey())
      .addColumn('data', 'text', (c) => c.notNull())
      .execute();
  },
];

const definition = z.strictObject({ digest: z.string(), value: z.unknown() });

const pinSchema = z.strictObject({
  server: z.string(),
  /** As in the catalogue, or `instructions`. */
  list: z.string(),
  name: z.string(),
  /** What may be listed; absent while none was approved yet. */
  approved: definition.optional(),
  /** What the server lists instead, and why that is withheld. Stays when the server goes back: only an approval ends it. */
  pending: definition
    .extend({
      why: z.enum(['definition_changed', 'suspicious', 'unapproved']),
      findings: z.array(z.strictObject({ kind: z.string(), where: z.string() })),
    })
    .optional(),
  /** ISO 8601 of the latest change, and who approved. */
  at: z.string(),
  by: z.string().optional(),
});
export type Pin = z.infer<typeof pinSchema>;
export type Why = NonNullable<Pin['pending']>['why'];

export function idOf(server: string, list: string, name: string): string {
  return JSON.stringify([server, list, name]);
}

export type PinStore = Awaited<ReturnType<typeof openPinStore>>;

/** @throws StoreError when definitions.db is newer than the code or no database */
export async function openPinStore(dataDir: string) {
  const store = await openStore<PinTables>({
    file: path.join(dataDir, 'definitions.db'),
    migrations,
    durability: 'full',
  });
  const { connection, db } = store;
  const all = prepare<{ data: string }>(connection, db.selectFrom('pins').select('data').compile());
  const one = prepare<{ data: string }>(
    connection,
    db.selectFrom('pins').select('data').where('id', '=', '').compile(),
  );
  const put = prepare(
    connection,
    db
      .insertInto('pins')
      .values({ id: '', data: '' })
      .onConflict((c) => c.column('id').doUpdateSet((e) => ({ data: e.ref('excluded.data') })))
      .compile(),
  );
  const dataVersion = connection.prepare<[], number>('PRAGMA data_version').pluck();
  return {
    all: (): Pin[] => all.all().map(({ data }) => pinSchema.parse(JSON.parse(data))),
    get(id: string): Pin | undefined {
      const row = one.get(id);
      return row === undefined ? undefined : pinSchema.parse(JSON.parse(row.data));
    },
    put(pins: readonly Pin[]): void {
      store.transaction(() => {
        for (const pin of pins) put.run(idOf(pin.server, pin.list, pin.name), JSON.stringify(pin));
      });
    },
    /** Changes when another process has written. */
    version: (): number => dataVersion.get()!,
    close: () => store.close(),
  };
}
