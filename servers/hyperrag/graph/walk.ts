/**
 * Walks from a name to the names beside it, in the passages that hold it (H4). A relation is two names in one sentence with the
 * words between them, or the title's name and a name of a sentence under it. Reads only the namespaces it is told.
 */
import type { Documents, StoredDocument, StoredPassage } from '../store/documents.ts';
import type { HyperragStore } from '../store/open.ts';
import { foldName, namesOfTitle, sentencesOf } from './names.ts';

export interface Relation {
  readonly from: string;
  /** The words of the text that stand between the two; '' where there are none. */
  readonly relation: string;
  readonly to: string;
  readonly passage: StoredPassage;
}

export interface Entity {
  readonly name: string;
  /** In how many passages it stands. */
  readonly passages: number;
  /** Steps from where the walk began. */
  readonly distance: number;
}

export interface Walk {
  readonly entities: readonly Entity[];
  readonly relations: readonly Relation[];
  /** Those that hold the first name. */
  readonly passages: readonly StoredPassage[];
}

export interface Graph {
  /** undefined when no passage of these namespaces holds the name */
  walk(name: string, namespaces: readonly string[], depth: number, limit: number): Walk | undefined;
  /** Another text whenever the passages with this name are others. */
  stampOf(name: string): string;
}

const MOST_PASSAGES = 50;
const MOST_RELATION_TEXT = 80;

export function createGraph(
  store: HyperragStore,
  documents: Documents,
  isExpired: (document: StoredDocument) => boolean,
): Graph {
  const { db } = store;

  function holders(folded: string, namespaces: readonly string[]): StoredPassage[] {
    const keys = store.all(
      db
        .selectFrom('mentions')
        .select('passage_key')
        .where('namespace', 'in', namespaces)
        .where('folded', '=', folded)
        .orderBy('passage_key')
        .limit(MOST_PASSAGES),
    );
    const passages = documents.passages(keys.map(({ passage_key }) => passage_key));
    return passages.filter(({ document }) => !isExpired(document)).sort((a, b) => a.key - b.key);
  }

  function count(folded: string, namespaces: readonly string[]): number {
    const query = db.selectFrom('mentions').where('namespace', 'in', namespaces).where('folded', '=', folded);
    return store.first(query.select((e) => e.fn.countAll<number>().as('count')))?.count ?? 0;
  }

  return {
    walk(name, namespaces, depth, limit) {
      const first = foldName(name);
      const passages = holders(first, namespaces);
      if (passages.length === 0) return undefined;
      const known = new Map<string, Entity>();
      const relations: Relation[] = [];
      const seen = new Set<string>();
      let edge: { folded: string; name: string; passages: StoredPassage[] }[] = [{ folded: first, name, passages }];
      for (let distance = 0; distance <= depth && edge.length > 0; distance++) {
        const next = new Map<string, string>();
        for (const at of edge) {
          if (known.size >= limit) break;
          known.set(at.folded, {
            name: spelling(at.folded, at.passages) ?? at.name,
            passages: count(at.folded, namespaces),
            distance,
          });
          if (distance === depth) continue;
          for (const relation of at.passages.flatMap(relationsIn)) {
            const [from, to] = [foldName(relation.from), foldName(relation.to)];
            if ((from !== at.folded && to !== at.folded) || from === to || relations.length >= limit) continue;
            const id = `${from}\n${relation.relation}\n${to}\n${relation.passage.key}`;
            if (!seen.has(id)) relations.push(relation);
            seen.add(id);
            const [other, otherName] = from === at.folded ? [to, relation.to] : [from, relation.from];
            if (!known.has(other)) next.set(other, otherName);
          }
        }
        edge = [...next]
          .filter(([folded]) => !known.has(folded))
          .map(([folded, each]) => ({
            folded,
            name: each,
            passages: distance + 1 < depth ? holders(folded, namespaces) : [],
          }));
      }
      return { entities: [...known.values()], relations, passages };
    },
    stampOf(name) {
      const query = db.selectFrom('mentions').where('folded', '=', foldName(name));
      const row = store.first(
        query.select((e) => [e.fn.countAll<number>().as('count'), e.fn.max<number | null>('passage_key').as('newest')]),
      );
      return `${row?.count}:${row?.newest}`;
    },
  };
}

/** As the passages write it. */
function spelling(folded: string, passages: readonly StoredPassage[]): string | undefined {
  for (const { document, text } of passages) {
    const named = namesOfTitle(document.title).find((name) => foldName(name) === folded);
    if (named) return named;
    for (const { names } of sentencesOf(text)) {
      const found = names.find((name) => name.folded === folded);
      if (found) return found.name;
    }
  }
  return undefined;
}

function relationsIn(passage: StoredPassage): Relation[] {
  const title = namesOfTitle(passage.document.title).at(-1);
  const titles = new Set(namesOfTitle(passage.document.title).map(foldName));
  const found: Relation[] = [];
  for (const { text, names } of sentencesOf(passage.text)) {
    const isAboutTitle = title !== undefined && !names.some(({ folded }) => titles.has(folded));
    for (const [n, name] of names.entries()) {
      const before = names[n - 1];
      if (before) {
        found.push({ from: before.name, relation: between(text, before.end, name.at), to: name.name, passage });
      }
      if (isAboutTitle)
        found.push({ from: title, relation: between(text, before?.end ?? 0, name.at), to: name.name, passage });
    }
  }
  return found;
}

function between(text: string, from: number, to: number): string {
  const words = text.slice(from, to).replace(/\s+/gu, ' ').trim();
  return words.length <= MOST_RELATION_TEXT ? words : `…${words.slice(-MOST_RELATION_TEXT + 1)}`;
}
