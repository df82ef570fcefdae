/** What HyperRAG's tools, resources and prompts work on. */
import type { Watches } from '../../shared/watches.ts';
import type { TokenCounter } from './contexts.ts';
import type { Embeddings } from './embedding/embeddings.ts';
import type { Graph } from './graph/walk.ts';
import type { Knowledge } from './knowledge.ts';
import type { Memories } from './memories.ts';
import type { SearchIndex } from './search-index.ts';
import type { Contexts } from './store/contexts.ts';
import type { Documents } from './store/documents.ts';
import type { HyperragStore } from './store/open.ts';
import type { Questions } from './store/questions.ts';
import type { Trust } from './store/trust.ts';

/** A place in a text that tells who somebody is. */
export interface PersonalDatum {
  /** Such as `email`. */
  readonly kind: string;
  /** UTF-16 units from the beginning of the text. */
  readonly start: number;
  readonly end: number;
}

export type DetectPersonalData = (text: string) => Promise<readonly PersonalDatum[]>;

export interface HyperragDeps {
  readonly store: HyperragStore;
  readonly documents: Documents;
  readonly index: SearchIndex;
  /** undefined when the owner chose none: then there are the built-in vectors only. */
  readonly embeddings: Embeddings | undefined;
  readonly knowledge: Knowledge;
  readonly memories: Memories;
  readonly graph: Graph;
  readonly trust: Trust;
  readonly questions: Questions;
  readonly contexts: Contexts;
  readonly tokenCounter: TokenCounter;
  readonly watches: Watches;
  /** Full paths that files may be ingested from. */
  readonly folders: readonly string[];
  /** Decides what `knowledge_elevation` refuses. */
  readonly detectPersonalData: DetectPersonalData;
  /** Milliseconds since the epoch. */
  readonly nowMs: () => number;
  /** A text that nobody can guess. */
  readonly newId: () => string;
  /** Ends timers, the index and the store. */
  readonly close: () => Promise<void>;
}
