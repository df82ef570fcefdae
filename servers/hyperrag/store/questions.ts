/** Owns what was asked and not answered well (H8), by the namespace of who asked. A question answered well later is taken out. */
import type { HyperragStore } from './open.ts';

export interface Gap {
  readonly question: string;
  /** How often it was asked in vain. */
  readonly times: number;
  /** The best confidence that any answer had, 0 … 1. */
  readonly best: number;
  readonly lastAt: number;
}

export interface Questions {
  note(namespace: string, question: string, bestConfidence: number, now: number): void;
  /** The most asked first. */
  gaps(namespace: string, leastTimes: number, limit: number): Gap[];
}

/** Below this the best answer to a question counts as none. */
export const ANSWERED_FROM = 0.4;
const MOST_QUESTIONS = 2_000;
const LONGEST = 500;

export function foldQuestion(question: string): string {
  return question
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[\s\p{P}]+/gu, ' ')
    .trim()
    .slice(0, LONGEST);
}

export function createQuestions(store: HyperragStore): Questions {
  const { db } = store;
  const of = (namespace: string) => db.selectFrom('questions').where('namespace', '=', namespace);
  return {
    note(namespace, question, best, now) {
      const folded = foldQuestion(question);
      if (folded === '') return;
      const known = store.first(of(namespace).selectAll().where('folded', '=', folded));
      const one = db.deleteFrom('questions').where('namespace', '=', namespace);
      if (best >= ANSWERED_FROM) {
        if (known) store.run(one.where('folded', '=', folded));
        return;
      }
      store.transaction(() => {
        const row = { question: question.slice(0, LONGEST), times: (known?.times ?? 0) + 1, best, last_at: now };
        store.run(
          db
            .insertInto('questions')
            .values({ namespace, folded, ...row })
            .onConflict((c) => c.columns(['namespace', 'folded']).doUpdateSet(row)),
        );
        if (known) return;
        const count = store.first(of(namespace).select((e) => e.fn.countAll<number>().as('count')))?.count ?? 0;
        if (count <= MOST_QUESTIONS) return;
        const oldest = of(namespace)
          .select('folded')
          .orderBy('last_at')
          .limit(count - MOST_QUESTIONS);
        store.run(one.where('folded', 'in', oldest));
      });
    },
    gaps: (namespace, leastTimes, limit) =>
      store.all(
        of(namespace)
          .select(['question', 'times', 'best', 'last_at as lastAt'])
          .where('times', '>=', leastTimes)
          .orderBy('times', 'desc')
          .orderBy('last_at', 'desc')
          .orderBy('folded')
          .limit(limit),
      ),
  };
}
