/** Owns what left this store, was about to, or was counted: written before it happens (T6). */
import { randomBytes } from 'node:crypto';
import { DAY_MS } from '../learning/rhythm.ts';
import type { TwinStore } from './open.ts';
import type { SendingStatus, Tables } from './schema.ts';

export type Elevation = Tables['elevations'];
export type Spending = Tables['spendings'];

export interface Elevations {
  /** The latest of a candidate. */
  latest(candidateId: string): Elevation | undefined;
  begin(elevation: Omit<Elevation, 'elevation_id' | 'status' | 'knowledge_id'>): Elevation;
  finish(elevationId: string, status: SendingStatus, knowledgeId: string | null): void;
  list(): Elevation[];
  /** The noised count of a pattern that this person was counted in lately, 0 for too few; undefined when there is none. */
  counted(pattern: string, now: number): number | undefined;
  /** Of a year. */
  totalSpent(now: number): number;
  /** Before the count is made. @returns the position of the entry */
  spend(pattern: string, epsilon: number, now: number): number;
  noteCount(position: number, noised: number): void;
  spendings(): Spending[];
  removeHolding(text: string): number;
}

/** The budget is one of a year. */
const PERIOD_MS = 365 * DAY_MS;
/** So long a count is given again instead of made again, which would cost again. */
const COUNT_HOLDS_MS = 30 * DAY_MS;

export function createElevations(store: TwinStore): Elevations {
  const { db, all, first, run } = store;
  const from = () => db.selectFrom('elevations').selectAll();
  const spentSince = (now: number) =>
    db
      .selectFrom('spendings')
      .selectAll()
      .where('at', '>', now - PERIOD_MS);

  return {
    latest: (id) => first<Elevation>(from().where('candidate_id', '=', id).orderBy('at', 'desc').limit(1)),
    begin(elevation) {
      const row: Elevation = {
        ...elevation,
        elevation_id: `e_${randomBytes(8).toString('hex')}`,
        status: 'sending',
        knowledge_id: null,
      };
      run(db.insertInto('elevations').values(row));
      return row;
    },
    finish(elevationId, status, knowledge_id) {
      run(db.updateTable('elevations').set({ status, knowledge_id }).where('elevation_id', '=', elevationId));
    },
    list: () => all<Elevation>(from().orderBy('at')),
    counted(pattern, now) {
      const lately = spentSince(now).where('at', '>', now - COUNT_HOLDS_MS);
      const made = lately.where('pattern', '=', pattern).where('noised', 'is not', null);
      return first<Spending>(made.orderBy('position', 'desc').limit(1))?.noised ?? undefined;
    },
    totalSpent: (now) => all<Spending>(spentSince(now)).reduce((sum, { epsilon }) => sum + epsilon, 0),
    spend(pattern, epsilon, now) {
      const position = store.take('spending');
      run(db.insertInto('spendings').values({ position, pattern, epsilon, noised: null, at: now }));
      return position;
    },
    noteCount(position, noised) {
      run(db.updateTable('spendings').set({ noised }).where('position', '=', position));
    },
    spendings: () => all<Spending>(db.selectFrom('spendings').selectAll().orderBy('position')),
    removeHolding(text) {
      const wanted = text.toLowerCase();
      const found = all<Elevation>(from()).filter(({ content }) => content.toLowerCase().includes(wanted));
      for (const { elevation_id } of found) run(db.deleteFrom('elevations').where('elevation_id', '=', elevation_id));
      return found.length;
    },
  };
}
