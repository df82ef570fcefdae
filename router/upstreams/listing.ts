/** What a server lists: read whole when it comes, and again when it says that a list changed; kept while it is away. */
import { toAppError } from '../../shared/errors.ts';
import type { Background, Work } from '../background.ts';
import {
  type Definitions,
  type Item,
  LISTS,
  type ListName,
  NO_DEFINITIONS,
  sameItems,
} from '../catalog/definitions.ts';
import { type ListLimits, listAll } from './list-all.ts';
import type { Peer } from './peer.ts';

export interface ListingOptions {
  readonly limits: ListLimits;
  readonly background: Background;
  /** Looks at what came before it counts as listed. */
  readonly review: (list: ListName, items: readonly Item[], work: Work) => Promise<void>;
  /** A list now shows something else. */
  readonly onChanged: (list: ListName, before: readonly Item[]) => void;
  readonly onProblem: (list: ListName, problem: string) => void;
}

/** Lists that are read within so long. */
const READS_MS = 1_000;
const MAX_READS = 20;
/** A server whose lists take long to read is asked again after so many times as long: it has a tenth of our time at most. */
const PAUSE_BY_READ = 9;

export class Listing {
  definitions: Definitions = NO_DEFINITIONS;
  private readonly options: ListingOptions;
  /** performance.now() of the latest readings, those that still have to wait included. */
  private readonly readAt: number[] = [];
  private notBefore = 0;
  /** Lists being read, and whether they changed again meanwhile. */
  private readonly reading = new Map<ListName, { again: boolean }>();

  constructor(options: ListingOptions) {
    this.options = options;
  }

  /** Reads these lists; a list that cannot be read stays as it was. */
  async read(peer: Peer, lists: readonly ListName[]): Promise<void> {
    await Promise.all(lists.map((list) => this.readOne(peer, list)));
  }

  /** Changes that come while a list is read make it be read once more, however many they are. */
  private async readOne(peer: Peer, list: ListName): Promise<void> {
    if (!(LISTS[list].capability in peer.initialized.capabilities)) {
      this.show(list, []);
      return;
    }
    const busy = this.reading.get(list);
    if (busy !== undefined) {
      busy.again = true;
      return;
    }
    const mark = { again: true };
    this.reading.set(list, mark);
    try {
      while (mark.again) {
        mark.again = false;
        await this.pause();
        const work = this.options.background.begin();
        const { items, problem } = await listAll(peer, LISTS[list], this.options.limits, work);
        if (problem !== undefined) this.options.onProblem(list, problem);
        if (!sameItems(this.definitions[list], items)) await this.options.review(list, items, work);
        this.show(list, items);
        this.notBefore = performance.now() + work.tookMs * PAUSE_BY_READ;
      }
    } catch (error) {
      this.options.onProblem(list, toAppError(error).message);
    } finally {
      this.reading.delete(list);
    }
  }

  /** A server that says all the time that its lists changed is not asked all the time. */
  private async pause(): Promise<void> {
    const [oldest] = this.readAt;
    const now = performance.now();
    let at = Math.max(now, this.notBefore);
    if (this.readAt.length >= MAX_READS && oldest !== undefined) {
      this.readAt.shift();
      at = Math.max(at, oldest + READS_MS);
    }
    this.readAt.push(at);
    if (at > now) await new Promise((resolve) => setTimeout(resolve, at - now));
  }

  private show(list: ListName, items: readonly Item[]): void {
    const before = this.definitions[list];
    if (sameItems(before, items)) return;
    this.definitions = { ...this.definitions, [list]: items };
    this.options.onChanged(list, before);
  }
}
