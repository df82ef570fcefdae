/**
 * Owns the append-only events of governance.db: appends at the end of the hash chain, reads streams back, verifies. Knows
 * no rule of what may follow what.
 */
import { createHash } from 'node:crypto';
import { AppError } from '../../../shared/errors.ts';
import { prepare, type Store, StoreError } from '../../../shared/store.ts';
import { eventSchema, type GovernanceEvent, type Recorded } from '../events.ts';
import type { Tables } from './schema.ts';

type Row = Tables['events'];

/** The hash before the first event. */
const GENESIS = '0'.repeat(64);

export interface Verification {
  readonly events: number;
  /** The first event that is not what was written, or undefined. */
  readonly firstBad: { readonly position: number; readonly why: string } | undefined;
}

export interface EventLog {
  /** Village time of the last event; 0 in an empty file. */
  lastAt(): number;
  lastPosition(): number;
  /**
   * Appends to one stream; call it inside the store's transaction.
   * @param expectedVersion events that the stream must hold already: optimistic concurrency
   * @throws AppError INVALID_PARAMS when an event breaks a bound; CONFLICT when the stream has moved on
   */
  append(stream: string, expectedVersion: number, events: readonly GovernanceEvent[], at: number): Recorded[];
  /** A stream from its first event. @throws StoreError when an event was altered */
  load(stream: string): Recorded[];
  /** Events of all streams behind a position, in order. */
  after(position: number, limit: number): Recorded[];
  /** Walks the whole chain. A cut tail leaves a whole chain: that is for whoever keeps the last hash elsewhere to see. */
  verify(): Verification;
}

export function createEventLog(store: Store<Tables>): EventLog {
  const { db, connection } = store;
  const columns = ['position', 'stream', 'version', 'at', 'data', 'previous_hash', 'hash'] as const;
  const all = db.selectFrom('events').select(columns);
  const blank: Row = { position: 0, stream: '', version: 0, at: 0, data: '', previous_hash: '', hash: '' };
  const last = prepare<Row>(connection, all.orderBy('position', 'desc').limit(1).compile());
  const byStream = prepare<Row>(connection, all.where('stream', '=', '').orderBy('version').compile());
  const behind = prepare<Row>(connection, all.where('position', '>', 0).orderBy('position').limit(1).compile());
  const insert = prepare<never>(connection, db.insertInto('events').values(blank).compile());
  const newest = prepare<{ version: number | null }>(
    connection,
    db
      .selectFrom('events')
      .where('stream', '=', '')
      .select((e) => e.fn.max('version').as('version'))
      .compile(),
  );

  return {
    lastAt: () => last.get(1)?.at ?? 0,
    lastPosition: () => last.get(1)?.position ?? 0,

    append(stream, expectedVersion, events, at) {
      if ((newest.get(stream)?.version ?? 0) !== expectedVersion) {
        throw new AppError('CONFLICT', {
          text: 'It was changed meanwhile by another process; look again, then repeat',
        });
      }
      const end = last.get(1);
      let position = end?.position ?? 0;
      let previous = end?.hash ?? GENESIS;
      return events.map((event, index) => {
        refuseOutOfBounds(event);
        const data = JSON.stringify(event);
        const version = expectedVersion + index + 1;
        position += 1;
        const unhashed = { position, stream, version, at, data, previous_hash: previous };
        previous = hashOf(unhashed);
        insert.run(position, stream, version, at, data, unhashed.previous_hash, previous);
        return { position, stream, version, at, event };
      });
    },

    load: (stream) => byStream.all(stream).map(toRecorded),

    after: (position, limit) => behind.all(position, limit).map(toRecorded),

    verify() {
      let previous = GENESIS;
      let events = 0;
      let at = 0;
      for (const row of behind.iterate(0, Number.MAX_SAFE_INTEGER)) {
        const why = flaw(row, events + 1, previous, at);
        if (why !== undefined) return { events, firstBad: { position: events + 1, why } };
        previous = row.hash;
        at = row.at;
        events += 1;
      }
      return { events, firstBad: undefined };
    },
  };
}

function refuseOutOfBounds(event: GovernanceEvent): void {
  const parsed = eventSchema.safeParse(event);
  if (parsed.success) return;
  const places = parsed.error.issues.slice(0, 8).map(({ path, message }) => `${path.join('.')}: ${message}`);
  throw new AppError('INVALID_PARAMS', { text: `This cannot be recorded. ${places.join('; ')}` });
}

function hashOf(row: Omit<Row, 'hash'>): string {
  const { position, stream, version, at, data, previous_hash } = row;
  return createHash('sha256')
    .update(JSON.stringify([position, stream, version, at, data, previous_hash]))
    .digest('hex');
}

/** What is wrong with a row at this place of the chain. */
function flaw(row: Row, position: number, previous: string, at: number): string | undefined {
  if (row.position !== position) return `expected event ${position}, found ${row.position}`;
  if (row.previous_hash !== previous) return 'it does not follow the event before it';
  if (row.hash !== hashOf(row)) return 'its content is not what was written';
  if (row.at < at) return 'it is dated before the event before it';
  if (!eventSchema.safeParse(JSON.parse(row.data)).success) return 'it is no event that this version knows';
  return undefined;
}

function toRecorded(row: Row): Recorded {
  if (row.hash !== hashOf(row)) {
    throw new StoreError(`governance.db was altered: event ${row.position} is not what was written. Restore a backup.`);
  }
  const { position, stream, version, at } = row;
  return { position, stream, version, at, event: eventSchema.parse(JSON.parse(row.data)) };
}
