/**
 * Where stops are kept: a file and a row of router.db in the data folder, either of which stops (E3). Whoever cannot read
 * both must take everything as stopped. Knows which router processes watch, and how far each has seen.
 */
import fs from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { openStore, prepare } from '../../shared/store.ts';
import { type RouterTables, routerMigrations } from '../router-tables.ts';
import { type Stop, stopSchema } from './stops.ts';

export interface StopState {
  /** Grows with every order. */
  readonly generation: number;
  readonly stops: readonly Stop[];
}

const fileSchema = z.strictObject({ stops: z.array(stopSchema).max(10_000) });
const FILE = 'emergency-stop.json';
/** A folder in which nothing else happens: watching the data folder would wake every router at each write of any database. */
const ORDERS = 'orders';

export type StopStore = Awaited<ReturnType<typeof openStopStore>>;

/** @throws StoreError when router.db is newer than the code or no database */
export async function openStopStore(dataDir: string) {
  const store = await openStore<RouterTables>({
    file: path.join(dataDir, 'router.db'),
    migrations: routerMigrations,
    durability: 'full',
  });
  const { connection, db } = store;
  const dataVersion = connection.prepare<[], number>('PRAGMA data_version').pluck();
  const file = path.join(dataDir, FILE);
  const folder = path.join(dataDir, ORDERS);
  fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
  const stopsOf = prepare<{ data: string }>(connection, db.selectFrom('stops').select('data').compile());
  const generationOf = prepare<{ value: number }>(
    connection,
    db
      .selectFrom('orders')
      .select((e) => e.fn.countAll<number>().as('value'))
      .compile(),
  );
  const addStop = prepare(
    connection,
    db
      .insertInto('stops')
      .values({ scope: '', data: '' })
      .onConflict((c) => c.column('scope').doNothing())
      .compile(),
  );
  const removeStop = prepare(connection, db.deleteFrom('stops').where('scope', '=', '').compile());
  const addOrder = prepare(connection, db.insertInto('orders').values({ at: 0, data: '' }).compile());
  const putWatcher = prepare(
    connection,
    db
      .insertInto('watchers')
      .values({ id: '', pid: 0, seen: 0 })
      .onConflict((c) => c.column('id').doUpdateSet((e) => ({ seen: e.ref('excluded.seen') })))
      .compile(),
  );
  const dropWatcher = prepare(connection, db.deleteFrom('watchers').where('id', '=', '').compile());
  const behindOf = prepare<{ id: string; pid: number }>(
    connection,
    db.selectFrom('watchers').select(['id', 'pid']).where('seen', '<', 0).compile(),
  );

  const inFile = (): Stop[] => {
    let text: string;
    try {
      text = fs.readFileSync(file, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
      throw error;
    }
    return fileSchema.parse(JSON.parse(text)).stops;
  };
  const inTable = (): Stop[] => stopsOf.all().map(({ data }) => stopSchema.parse(JSON.parse(data)));
  const order = (what: object): void => {
    addOrder.run(Date.now(), JSON.stringify(what));
  };

  function read(): StopState {
    const generation = generationOf.get()?.value ?? 0;
    const byScope = new Map([...inFile(), ...inTable()].map((stop) => [stop.scope, stop]));
    return { generation, stops: [...byScope.values()] };
  }

  /** Replaces the file whole, from the folder that routers watch, and waits for the disk. */
  function writeFile(stops: readonly Stop[]): void {
    const temporary = path.join(folder, String(process.pid));
    const handle = fs.openSync(temporary, 'w', 0o600);
    try {
      fs.writeSync(handle, JSON.stringify({ stops }));
      fs.fsyncSync(handle);
    } finally {
      fs.closeSync(handle);
    }
    fs.renameSync(temporary, file);
  }

  /** What the file holds; nothing when it cannot be read, so that a broken file can be written anew. */
  function fileOrNothing(): Stop[] {
    try {
      return inFile();
    } catch {
      return [];
    }
  }

  return {
    /** @throws when the file or the table cannot be read */
    read,
    /** Changes whenever either may have changed; throws like `read`. */
    mark(): string {
      const stat = fs.statSync(file, { throwIfNoEntry: false });
      return `${dataVersion.get()}:${stat === undefined ? '' : `${stat.ino}:${stat.mtimeMs}:${stat.size}`}`;
    },
    /** The file first: it is what the others see soonest, and it holds if the process dies before the row is written. */
    add(stop: Stop): number {
      const stops = fileOrNothing();
      if (!stops.some(({ scope }) => scope === stop.scope)) writeFile([...stops, stop]);
      return store.transaction(() => {
        addStop.run(stop.scope, JSON.stringify(stop));
        order({ stop });
        return generationOf.get()?.value ?? 0;
      });
    },
    /** The row first: until the file is gone too, it is stopped. @param scope undefined ends all of them */
    remove(scope: string | undefined): number {
      const isMeant = (stop: Stop) => scope === undefined || stop.scope === scope;
      const generation = store.transaction(() => {
        for (const stop of inTable().filter(isMeant)) removeStop.run(stop.scope);
        order({ resume: scope ?? null });
        return generationOf.get()?.value ?? 0;
      });
      writeFile(fileOrNothing().filter((stop) => !isMeant(stop)));
      return generation;
    },
    /** This router process has taken over everything up to `generation`. */
    seen(watcherId: string, generation: number): void {
      putWatcher.run(watcherId, process.pid, generation);
    },
    leave(watcherId: string): void {
      dropWatcher.run(watcherId);
    },
    /** Router processes that live and have not taken over `generation`. */
    behind(generation: number): number {
      let count = 0;
      for (const { id, pid } of behindOf.all(generation)) {
        if (isAlive(pid)) count++;
        else dropWatcher.run(id);
      }
      return count;
    },
    /** router.db, for what else belongs to the router alone. */
    store,
    /** Something moves out of it with each order. */
    folder,
    close: () => store.close(),
  };
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
