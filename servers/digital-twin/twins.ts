/**
 * Whose twin is whose: each person has one store, opened when it is used and closed when it is not. There is no way from one person
 * to another's here, but `each`, which gives no names.
 */
import fs from 'node:fs';
import path from 'node:path';
import { AppError } from '../../shared/errors.ts';
import { IdentitySetupError } from '../../shared/identity/key-file.ts';
import type { Log } from '../../shared/log.ts';
import { StoreError } from '../../shared/store.ts';
import { storeIdOf, TWIN_SUFFIX, TWINS_FOLDER, type Vault } from './keys/vault.ts';
import { DAMAGED, damaged, isDamage } from './store/open.ts';
import { openTwin, type Twin } from './twin.ts';

export interface Twins {
  /** Runs `work` on the person's twin; undefined when there is none. @throws AppError STORE_UNAVAILABLE */
  use<T>(person: string, work: (twin: Twin) => T | Promise<T>): Promise<T | undefined>;
  /** The same, made where there is none. */
  make<T>(person: string, work: (twin: Twin) => T | Promise<T>): Promise<T>;
  /** All twins, one after the other. One that cannot be opened is left out and told in the log. */
  each(work: (twin: Twin, storeId: string) => void | Promise<void>): Promise<void>;
  /** Erases a twin: rows, file and key. @returns whether there was one */
  remove(person: string): Promise<boolean>;
  close(): Promise<void>;
}

export interface TwinsParts {
  readonly dataDir: string;
  readonly vault: Vault;
  readonly nowMs: () => number;
  readonly log: Log;
}

interface Entry {
  /** undefined when there is none, or it could not be opened: then this entry is gone. */
  readonly opening: Promise<Twin | undefined>;
  users: number;
  usedAt: number;
  readonly whenFree: (() => void)[];
}

const MOST_OPEN = 32;
const IDLE_MS = 10 * 60_000;
const LOOK_EVERY_MS = 60_000;

export function createTwins({ dataDir, vault, nowMs, log }: TwinsParts): Twins {
  const entries = new Map<string, Entry>();
  const removing = new Map<string, Promise<boolean>>();
  const fileOf = (storeId: string) => path.join(dataDir, TWINS_FOLDER, `${storeId}${TWIN_SUFFIX}`);

  async function open(storeId: string, make: boolean): Promise<Twin | undefined> {
    const found = await (make ? vault.make(storeId) : vault.find(storeId)).catch(refuseKey);
    if (found === undefined) return undefined;
    const { key, isMade } = found;
    if (!isMade && !make) return undefined;
    const twin = await openTwin({ file: fileOf(storeId), key, mayMake: !isMade }, { nowMs, log }).catch(refuseStore);
    if (!isMade) await vault.made(storeId);
    return twin;
  }

  async function entryOf(storeId: string, make: boolean): Promise<Entry | undefined> {
    for (let known = entries.get(storeId); known !== undefined; known = entries.get(storeId)) {
      const twin = await known.opening;
      if (twin !== undefined) {
        if (!twin.store.isGone() || known.users > 0) return known;
        await drop(storeId, known);
      }
    }
    // One opening at a time, whoever comes first.
    const { promise, resolve } = Promise.withResolvers<Twin | undefined>();
    const entry: Entry = { opening: promise, users: 0, usedAt: performance.now(), whenFree: [] };
    entries.set(storeId, entry);
    try {
      const twin = await open(storeId, make);
      if (twin === undefined) entries.delete(storeId);
      resolve(twin);
      return twin && entry;
    } catch (error) {
      // Whoever waits for the same tries by itself, and is told by itself.
      entries.delete(storeId);
      resolve(undefined);
      throw error;
    }
  }

  async function useById<T>(storeId: string, make: boolean, work: (twin: Twin) => T | Promise<T>) {
    await removing.get(storeId);
    const entry = await entryOf(storeId, make);
    if (entry === undefined) return undefined;
    entry.users++;
    try {
      return await work((await entry.opening)!);
    } catch (error) {
      if (isDamage(error)) refuseStore(error);
      throw error;
    } finally {
      entry.users--;
      entry.usedAt = performance.now();
      if (entry.users === 0) for (const free of entry.whenFree.splice(0)) free();
      if (entries.size > MOST_OPEN) closeSoon(0);
    }
  }

  async function drop(storeId: string, entry: Entry): Promise<void> {
    if (entries.get(storeId) === entry) entries.delete(storeId);
    await (await entry.opening)?.close();
  }

  /** The least used first, as many as are over the limit; and all that were idle for so long. */
  async function closeIdle(idleMs = IDLE_MS): Promise<void> {
    const now = performance.now();
    const idle = [...entries].filter(([, { users }]) => users === 0).sort(([, a], [, b]) => a.usedAt - b.usedAt);
    const due = idle.filter(
      ([, { usedAt }], n) => now - usedAt > IDLE_MS || (idleMs === 0 && entries.size - n > MOST_OPEN),
    );
    for (const [storeId, entry] of due) await drop(storeId, entry);
  }

  function closeSoon(idleMs?: number): void {
    closeIdle(idleMs).catch((cause: unknown) => log.error({ cause }, 'a twin could not be closed'));
  }

  const timer = setInterval(() => closeSoon(), LOOK_EVERY_MS).unref();

  async function remove(storeId: string): Promise<boolean> {
    if ((await vault.find(storeId).catch(refuseKey)) === undefined) return false;
    // One that is damaged can be erased too.
    const entry = await entryOf(storeId, false).catch(() => undefined);
    if (entry !== undefined) {
      if (entry.users > 0) await new Promise<void>((free) => entry.whenFree.push(free));
      const twin = (await entry.opening)!;
      entries.delete(storeId);
      // Emptied before it is unlinked: another process may have it open, and what is unlinked may still lie on the disk.
      for (const table of TABLES) twin.store.run(twin.store.db.deleteFrom(table));
      twin.store.scrub(true);
      await twin.close();
    }
    for (const suffix of ['', '-wal', '-shm']) fs.rmSync(`${fileOf(storeId)}${suffix}`, { force: true });
    await vault.forget(storeId);
    return true;
  }

  return {
    use: (person, work) => useById(storeIdOf(person), false, work),
    make: async <T>(person: string, work: (twin: Twin) => T | Promise<T>) =>
      (await useById(storeIdOf(person), true, work)) as T,
    async each(work) {
      for (const storeId of await vault.storeIds().catch(refuseKey)) {
        try {
          await useById(storeId, false, (twin) => work(twin, storeId));
        } catch (cause) {
          log.error({ cause }, 'a twin was left out');
        }
      }
    },
    async remove(person) {
      const storeId = storeIdOf(person);
      const going = remove(storeId);
      removing.set(
        storeId,
        going.catch(() => false),
      );
      try {
        return await going;
      } finally {
        removing.delete(storeId);
      }
    },
    async close() {
      clearInterval(timer);
      for (const [storeId, entry] of entries) await drop(storeId, entry).catch(() => undefined);
      await vault.close();
    },
  };
}

const TABLES = [
  'facts',
  'removals',
  'events',
  'consents',
  'elevations',
  'spendings',
  'snapshots',
  'snapshot_parts',
  'settings',
] as const;

function refuseKey(cause: unknown): never {
  if (!(cause instanceof StoreError) && !(cause instanceof IdentitySetupError)) throw cause;
  throw new AppError('STORE_UNAVAILABLE', {
    text:
      'The key of the twins is missing, or is not the one that they are locked with. Nothing was changed and no new twin was made. ' +
      'The owner of this machine finds the reason in the log.',
    cause,
  });
}

function refuseStore(cause: unknown): never {
  if (isDamage(cause)) return refuseStore(damaged(DAMAGED, cause));
  if (!(cause instanceof StoreError)) throw cause;
  throw new AppError('STORE_UNAVAILABLE', { text: cause.message, cause });
}
