/** Owns what a person wanted or did and when: the events that rhythms are learnt from. */
import type { Occurrence } from '../learning/rhythm.ts';
import { folded } from './facts.ts';
import type { TwinStore } from './open.ts';
import type { Tables } from './schema.ts';

export type StoredEvent = Tables['events'];

export interface Events {
  add(event: { readonly topic: string; readonly note: string; readonly at: number }, now: number): StoredEvent;
  occurrences(): Occurrence[];
  /** After an id, ascending. */
  after(id: number, limit: number): StoredEvent[];
  count(): number;
  /** Removes whole topics that nothing was heard of since: a habit that goes on uses all of its events. */
  removeTopicsUnusedSince(ms: number): number;
  removeTopic(topic: string): number;
  removeHolding(text: string): number;
}

/** The oldest of a topic make room. */
const MOST_OF_A_TOPIC = 2_000;

export function createEvents(store: TwinStore): Events {
  const { db, all, first, run } = store;
  const from = () => db.selectFrom('events').selectAll();
  const byId = (id: number) => db.deleteFrom('events').where('id', '=', id);

  return {
    add({ topic, note, at }, now) {
      const event = { id: store.take('event'), topic, note, at, stored_at: now };
      run(db.insertInto('events').values(event));
      const tooOld = from().where('topic', '=', topic).orderBy('at', 'desc').limit(100).offset(MOST_OF_A_TOPIC);
      for (const { id } of all<StoredEvent>(tooOld)) run(byId(id));
      return event;
    },
    occurrences: () => all<Occurrence>(db.selectFrom('events').select(['topic', 'at']).orderBy('at')),
    after: (id, limit) => all<StoredEvent>(from().where('id', '>', id).orderBy('id').limit(limit)),
    count: () => first<{ n: number }>(db.selectFrom('events').select((e) => e.fn.countAll<number>().as('n')))?.n ?? 0,
    removeTopicsUnusedSince(ms) {
      const latest = db.selectFrom('events').select('topic').groupBy('topic');
      const unused = all<{ topic: string }>(latest.having((e) => e.fn.max('stored_at'), '<=', ms));
      return unused.reduce((sum, { topic }) => sum + run(db.deleteFrom('events').where('topic', '=', topic)), 0);
    },
    removeTopic: (topic) => run(db.deleteFrom('events').where('topic', '=', topic)),
    removeHolding(text) {
      const wanted = folded(text);
      const found = all<StoredEvent>(from()).filter(({ topic, note }) => folded(`${topic}\n${note}`).includes(wanted));
      return found.reduce((sum, { id }) => sum + run(byId(id)), 0);
    },
  };
}
