/** Owns which passage holds which names: what the graph is walked by. */
import { foldName, namesOfTitle, sentencesOf } from '../graph/names.ts';
import type { HyperragStore } from './open.ts';

/** Names kept of one passage. */
const MOST_NAMES = 64;

export function addMentions(
  store: HyperragStore,
  { namespace, title }: { readonly namespace: string; readonly title: string },
  { key, heading, text }: { readonly key: number; readonly heading: string; readonly text: string },
): void {
  const names = new Map<string, string>();
  const take = (folded: string, name: string) => {
    if (folded.length > 1 && names.size < MOST_NAMES && !names.has(folded)) names.set(folded, name);
  };
  for (const name of namesOfTitle(title)) take(foldName(name), name);
  for (const sentence of sentencesOf(`${heading}\n${text}`)) {
    for (const { name, folded } of sentence.names) take(folded, name);
  }
  const rows = [...names].map(([folded, name]) => ({ namespace, folded, passage_key: key, name }));
  if (rows.length > 0) store.run(store.db.insertInto('mentions').values(rows));
}

export function removeMentions(store: HyperragStore, passageKey: number): void {
  store.run(store.db.deleteFrom('mentions').where('passage_key', '=', passageKey));
}
